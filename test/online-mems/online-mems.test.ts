import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { OnlineMemsError, openOnlineMems, type OnlineMems } from '../../src/online-mems/online-mems.ts';
import { WriteGate } from '../../src/online-mems/write-gate.ts';
import { eventually } from '../support/eventually.ts';
import { GateStage } from '../support/reader-process.ts';

const WRITER = { token: 1, runId: 'writer' };

describe('getOnlineMems in a process', () => {
  let stage: GateStage;
  let mems: OnlineMems;
  beforeEach(() => {
    stage = new GateStage();
    mems = openOnlineMems(stage);
  });
  afterEach(async () => {
    mems.close();
    await stage.close();
  });

  const write = async (): Promise<string> => (await stage.gate.begin(WRITER, () => true)).kind;
  /** A writer that waits is noticed within a millisecond by readers of a process that is inside. */
  const writerIsNoticed = (): Promise<boolean> =>
    eventually(
      'a new reader is turned away',
      () => {
        const isInside = mems.tryGetOnlineMems();
        if (isInside) mems.putOnlineMems();
        return !isInside;
      },
      { limitMs: 1_000, everyMs: 1 },
    );
  const codeOf = (error: unknown): string => (error as OnlineMemsError).code;

  it('any number of readers share it; the last one lets the writer in', async () => {
    await Promise.all([mems.getOnlineMems(), mems.getOnlineMems()]);
    assert.equal(mems.tryGetOnlineMems(), true);
    for (const verdict of ['waiting', 'waiting', 'waiting', 'begun']) {
      assert.equal(await write(), verdict);
      if (verdict === 'waiting') mems.putOnlineMems();
    }
  });

  it('a waiting writer turns away new readers of the very process that is inside', async () => {
    await mems.getOnlineMems();
    assert.equal(await write(), 'waiting');
    await writerIsNoticed();
    const late = mems.getOnlineMems();
    mems.putOnlineMems();
    assert.equal(await write(), 'begun');
    stage.gate.end(WRITER.runId);
    await late;
    mems.putOnlineMems();
  });

  it('gives up waiting after its time, or when its signal aborts', async () => {
    assert.equal(await write(), 'begun');
    await assert.rejects(mems.getOnlineMems({ timeoutMs: 20 }), (error) => codeOf(error) === 'ETIMEDOUT');
    await assert.rejects(mems.getOnlineMems({ signal: AbortSignal.timeout(10) }), { name: 'AbortError' });
    stage.gate.end(WRITER.runId);
    assert.equal(mems.tryGetOnlineMems(), true);
  });

  it('a nested get shares the hold while nobody waits, and is EDEADLK once a writer does', async () => {
    await mems.withOnlineMems(async () => {
      await mems.withOnlineMems(() => undefined);
      assert.equal(await write(), 'waiting');
      await writerIsNoticed();
      await assert.rejects(mems.getOnlineMems(), (error) => codeOf(error) === 'EDEADLK');
      await assert.rejects(
        mems.withOnlineMems(() => undefined),
        (error) => codeOf(error) === 'EDEADLK',
      );
    });
    assert.equal(await write(), 'begun');
  });

  it('another reader of the process is no nested one: it waits', async () => {
    const leave = Promise.withResolvers<undefined>();
    const first = mems.withOnlineMems(() => leave.promise);
    assert.equal(await write(), 'waiting');
    await writerIsNoticed();
    const second = mems.withOnlineMems(() => 'inside');
    leave.resolve(undefined);
    await first;
    assert.equal(await write(), 'begun');
    stage.gate.end(WRITER.runId);
    assert.equal(await second, 'inside');
  });

  it('gives back what work held when it throws', async () => {
    await assert.rejects(
      mems.withOnlineMems(() => Promise.reject(new Error('work failed'))),
      /work failed/,
    );
    assert.equal(await write(), 'begun');
  });

  it('a put without a get is EINVAL', () => {
    assert.throws(
      () => {
        mems.putOnlineMems();
      },
      (error) => codeOf(error) === 'EINVAL',
    );
  });

  it('finds the new files when somebody has deleted the old ones', async () => {
    rmSync(stage.directory, { recursive: true });
    const gate = new WriteGate(stage);
    try {
      await mems.getOnlineMems();
      assert.equal((await gate.begin(WRITER, () => true)).kind, 'waiting');
    } finally {
      gate.close();
    }
  });

  it('says what to do when no agent has served the node', () => {
    assert.throws(
      () => openOnlineMems({ directory: `${stage.directory}/nowhere` }),
      (error) =>
        error instanceof OnlineMemsError && error.code === 'ENOENT' && error.message.includes('start memhp agent'),
    );
  });
});
