import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { openOnlineMems } from '../../src/online-mems/online-mems.ts';
import type { WriteGateVerdict } from '../../src/online-mems/write-gate.ts';
import { eventually } from '../support/eventually.ts';
import { GateStage, ReaderProcess } from '../support/reader-process.ts';
import { startWritingChild } from '../support/writing-child.ts';

const FIRST = { token: 1, runId: 'first' };
const SECOND = { token: 2, runId: 'second' };
const AT_ONCE = (): boolean => true;

describe('write gate', () => {
  let stage: GateStage;
  beforeEach(() => {
    stage = new GateStage();
  });
  afterEach(() => stage.close());

  const begin = async (writer = FIRST, giveUp = AT_ONCE): Promise<WriteGateVerdict['kind']> =>
    (await stage.gate.begin(writer, giveUp)).kind;

  it('keeps readers out from begin to end', async () => {
    const mems = openOnlineMems(stage);
    assert.equal(await begin(), 'begun');
    assert.equal(mems.tryGetOnlineMems(), false);
    stage.gate.end(FIRST.runId);
    assert.equal(mems.tryGetOnlineMems(), true);
    mems.close();
  });

  it('names the readers inside, since it first saw them, and begins when the last is gone', async () => {
    const readers = [
      await stage.started(ReaderProcess.flock(stage.directory)),
      await stage.started(ReaderProcess.flock(stage.directory)),
    ];
    const verdict = await stage.gate.begin(FIRST, AT_ONCE);
    assert.ok(verdict.kind === 'waiting');
    assert.deepEqual(
      verdict.readers.map(({ pid, command }) => [pid, command]).sort(),
      readers.map(({ pid }) => [pid, 'sh']).sort(),
    );
    const waiting = begin(FIRST, () => false);
    await readers[0]?.kill('SIGTERM');
    assert.equal(await begin(), 'waiting');
    await readers[1]?.kill();
    assert.equal(await waiting, 'begun');
  });

  it('turns later readers away while it waits, and lets them in when it has ended', async () => {
    const inside = await stage.started(ReaderProcess.flock(stage.directory));
    assert.equal(await begin(), 'waiting');
    const late = ReaderProcess.flock(stage.directory);
    stage.readers.push(late);
    const mems = openOnlineMems(stage);
    assert.equal(mems.tryGetOnlineMems(), false);
    await inside.kill();
    assert.equal(await begin(FIRST, () => false), 'begun');
    assert.equal(await late.isInside, false);
    stage.gate.end(FIRST.runId, FIRST.token);
    await late.inside();
    mems.close();
  });

  it('passes to a greater token without letting anybody in, and refuses the smaller one', async () => {
    assert.equal(await begin(FIRST), 'begun');
    assert.equal(await begin(SECOND), 'begun');
    assert.equal(await begin(FIRST), 'stale');
    assert.equal(await begin({ ...SECOND, runId: 'another' }), 'stale');
    stage.gate.end(FIRST.runId, FIRST.token);
    const mems = openOnlineMems(stage);
    assert.equal(mems.tryGetOnlineMems(), false, 'a stale end changes nothing');
    stage.gate.end(SECOND.runId, SECOND.token);
    assert.equal(mems.tryGetOnlineMems(), true);
    assert.equal(await begin(SECOND), 'stale', 'what has ended does not begin again');
    mems.close();
  });

  it('tells a waiting writer that its token was refused, and lets readers in only when told to', async () => {
    const inside = await stage.started(ReaderProcess.flock(stage.directory));
    const waiting = begin(FIRST, () => false);
    stage.gate.refuse(FIRST.token);
    assert.equal(await waiting, 'stale');
    const mems = openOnlineMems(stage);
    assert.equal(mems.tryGetOnlineMems(), false);
    stage.gate.openStale();
    assert.equal(mems.tryGetOnlineMems(), true);
    mems.close();
    await inside.kill();
  });

  it('after a restart drains anew: its death lets readers in, and frees none that lives', async () => {
    const inside = await stage.started(ReaderProcess.flock(stage.directory));
    assert.equal(await begin(), 'waiting');
    stage.restart();
    const second = await stage.started(ReaderProcess.flock(stage.directory));
    const verdict = await stage.gate.begin(FIRST, AT_ONCE);
    assert.ok(verdict.kind === 'waiting');
    assert.deepEqual(verdict.readers.map(({ pid }) => pid).sort(), [inside.pid, second.pid].sort());
  });

  for (const [what, open] of [
    ['is opened', () => stage.gate.end(FIRST.runId)],
    ['is left by its agent', () => stage.restart()],
  ] as const) {
    it(`stays shut while a process that writes lives, even if it ${what}`, async () => {
      await begin();
      const child = await startWritingChild(stage.gate.descriptors ?? []);
      open();
      assert.equal(stage.gate.descriptors, undefined);
      const mems = openOnlineMems(stage);
      assert.equal(mems.tryGetOnlineMems(), false);
      await child.finish();
      assert.equal(mems.tryGetOnlineMems(), true);
      mems.close();
    });
  }

  it('names a process that writes for an agent that has gone as such, and begins when it has ended', async () => {
    await begin();
    const child = await startWritingChild(stage.gate.descriptors ?? []);
    stage.restart();
    const verdict = await stage.gate.begin(SECOND, AT_ONCE);
    assert.ok(verdict.kind === 'waiting');
    assert.deepEqual(
      verdict.readers.map(({ pid, writes }) => [pid, writes]),
      [[child.pid, true]],
    );
    await child.finish();
    const reader = await stage.started(ReaderProcess.flock(stage.directory));
    const next = await stage.gate.begin(SECOND, AT_ONCE);
    assert.ok(next.kind === 'waiting');
    assert.deepEqual(
      next.readers.map(({ pid, writes }) => [pid, writes]),
      [[reader.pid, undefined]],
    );
    await reader.kill();
    assert.equal(await begin(SECOND, () => false), 'begun');
  });

  it('hands out what keeps it shut, from begin to end', async () => {
    const handedOut = (): number => stage.gate.descriptors?.length ?? 0;
    const before = handedOut();
    await begin();
    const between = handedOut();
    stage.gate.end(FIRST.runId);
    assert.deepEqual([before, between, handedOut()], [0, 2, 0]);
  });

  it('that was closed touches no descriptor any more, whatever comes late', async () => {
    await begin();
    stage.gate.close();
    const others = [1, 2, 3, 4].map(() => openSync(stage.directory, 'r'));
    const before = others.map((descriptor) => fstatSync(descriptor).ino);
    stage.gate.end(FIRST.runId);
    stage.gate.refuse(FIRST.token);
    stage.gate.openStale();
    stage.gate.close();
    assert.equal(stage.gate.descriptors, undefined);
    await assert.rejects(begin(), /lets go of the node/);
    assert.deepEqual(
      others.map((descriptor) => fstatSync(descriptor).ino),
      before,
    );
    for (const descriptor of others) closeSync(descriptor);
  });

  it('is not starved by processes that get and put all the time', async function () {
    this.timeout(20_000);
    const script = `
      import { openOnlineMems } from ${JSON.stringify(new URL('../../src/online-mems/online-mems.ts', import.meta.url).href)};
      const mems = openOnlineMems({ directory: ${JSON.stringify(stage.directory)} });
      await mems.getOnlineMems();
      console.log('inside');
      mems.putOnlineMems();
      for (;;) {
        for (let pair = 0; pair < 1000; pair++) {
          await mems.getOnlineMems();
          mems.putOnlineMems();
        }
        await new Promise(setImmediate);
      }`;
    for (let reader = 0; reader < 3; reader++) {
      await stage.started(new ReaderProcess(process.execPath, ['--input-type=module', '-e', script]));
    }
    const begun = begin(FIRST, () => false);
    await eventually('the writer is in', () => Promise.race([begun, Promise.resolve(false)]), { limitMs: 10_000 });
  });
});
