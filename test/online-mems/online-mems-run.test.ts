import assert from 'node:assert/strict';
import { openOnlineMems } from '../../src/online-mems/online-mems.ts';
import { GateStage, MEMHP, ReaderProcess } from '../support/reader-process.ts';

const WRITER = { token: 1, runId: 'writer' };

describe('memhp online-mems run', function () {
  this.timeout(20_000);
  let stage: GateStage;
  beforeEach(() => {
    stage = new GateStage();
  });
  afterEach(() => stage.close());

  const memhp = (...args: readonly string[]): ReaderProcess =>
    new ReaderProcess(process.execPath, [MEMHP, 'online-mems', 'run', ...args]);
  const write = () => stage.gate.begin(WRITER, () => true);

  it('holds while the command runs, under the name of the command, and frees it when that is killed', async () => {
    const reader = await stage.started(ReaderProcess.memhp(stage.directory));
    const verdict = await write();
    assert.ok(verdict.kind === 'waiting');
    assert.deepEqual(
      verdict.readers.map(({ pid, command }) => ({ pid, command })),
      [{ pid: reader.pid, command: 'sh' }],
    );
    await reader.kill();
    assert.equal((await write()).kind, 'begun');
  });

  it('a child that has outlived the command still holds', async () => {
    const script = 'exec 3<&0; (read l <&3) & echo inside';
    const reader = ReaderProcess.memhp(stage.directory, script);
    await reader.inside();
    assert.equal((await write()).kind, 'waiting');
    reader.child.stdin.end();
    assert.equal((await stage.gate.begin(WRITER)).kind, 'begun');
  });

  it('passes on status, signals and standard streams', async () => {
    const failing = memhp('--directory', stage.directory, '--', 'sh', '-c', 'cat >&2; exit 7');
    failing.child.stdin.end('through standard input');
    assert.equal(await failing.ended, 7);
    assert.equal(failing.stderr, 'through standard input');
    const ended = ReaderProcess.memhp(
      stage.directory,
      'exec 3<&0; trap "exit 9" TERM; (read l <&3) & echo inside; wait',
    );
    await ended.inside();
    assert.equal(await ended.kill('SIGTERM'), 9);
    const ignored = memhp('--directory', stage.directory, '--', 'sh', '-c', 'grep SigIgn /proc/self/status >&2');
    await ignored.ended;
    assert.match(ignored.stderr, /SigIgn:\s+0+$/m);
  });

  it('waits for a writer, and says so; --timeout limits the wait', async () => {
    assert.equal((await write()).kind, 'begun');
    const late = memhp('--directory', stage.directory, '--timeout', '0.1', '--', 'true');
    assert.equal(await late.ended, 124);
    assert.match(late.stderr, /starts after it[^]*being changed for 0\.1 s/);
    const patient = ReaderProcess.memhp(stage.directory);
    stage.readers.push(patient);
    assert.equal(await patient.isInside, false);
    stage.gate.end(WRITER.runId);
    await patient.inside();
  });

  it('says what to do when it does not know the node, or the command', async () => {
    const nowhere = memhp('--directory', `${stage.directory}/nowhere`, '--', 'true');
    assert.equal(await nowhere.ended, 125);
    assert.match(nowhere.stderr, /start memhp agent/);
    const several = memhp('--state-dir', stage.directory, '--', 'true');
    assert.equal(await several.ended, 125);
    assert.match(several.stderr, /name one with --node/);
    const unknown = memhp('--directory', stage.directory, '--', 'no-such-command');
    assert.equal(await unknown.ended, 127);
    const mems = openOnlineMems(stage);
    assert.equal((await write()).kind, 'begun', 'nothing is left behind');
    mems.close();
  });
});
