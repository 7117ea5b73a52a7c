/** The process that writes: on a copied tree, killed and orphaned in the middle of its system call. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { ChildWriter } from '../../src/drivers/sysfs/child-writer.ts';
import { identifyProcess, killProcess } from '../../src/drivers/sysfs/process-identity.ts';
import type { SysfsState } from '../../src/drivers/sysfs/sysfs-state.ts';
import { openOnlineMems, type OnlineMems } from '../../src/online-mems/online-mems.ts';
import { WriteGate } from '../../src/online-mems/write-gate.ts';
import { OperationRun, UNINTERRUPTED } from '../support/driver-run.ts';
import { eventually } from '../support/eventually.ts';
import { compileFailingWrite } from '../support/failing-write.ts';
import { slowWrite, type SlowWrite } from '../support/slow-write.ts';
import { createSysfsTree } from '../support/sysfs-tree.ts';
import { SMALL_TREE, startSysfsNode, type SysfsDriverNode } from '../support/sysfs-driver-node.ts';

const PROGRAM = new URL('../../src/drivers/sysfs/write-attribute.ts', import.meta.url).pathname;

describe('sysfs writes in a child process', function () {
  this.timeout(20_000);
  let node: SysfsDriverNode;
  let slow: SlowWrite | undefined;

  beforeEach(() => {
    node = startSysfsNode(createSysfsTree(SMALL_TREE), { writer: undefined });
  });
  afterEach(async () => {
    slow?.finish();
    slow = undefined;
    await node.remove();
  });

  const run = async (operation: 'online' | 'offline', blockId: number, token = 1): Promise<OperationRun> => {
    const { bootId } = await node.driver.inspect([]);
    return new OperationRun(node.driver, token, { operation, blockId, bootId });
  };
  const prepared = async (operation: 'online' | 'offline', blockId: number, token = 1): Promise<OperationRun> => {
    const prepare = await run(operation, blockId, token);
    const result = await prepare.step('prepare');
    assert.ok(result.ok, result.ok ? '' : result.message);
    return prepare;
  };
  const stateFile = (blockId: number): string => join(node.tree.root, `memory${String(blockId)}/state`);
  const recordedPid = (): number => {
    const { write } = JSON.parse(readFileSync(join(node.directory, 'sysfs.json'), 'utf8')) as SysfsState;
    return write?.process?.pid ?? 0;
  };

  it('replaces the whole content, and success is the state read back', async () => {
    const online = await prepared('online', 41);
    const result = await online.step('commit', { onlineType: 'online_movable' });
    assert.deepEqual(result, { ok: true, zone: 'Movable' });
    assert.equal(readFileSync(stateFile(41), 'utf8'), 'online_movable');
    const offline = await prepared('offline', 41, 2);
    assert.deepEqual(await offline.step('commit'), { ok: true });
    assert.equal(readFileSync(stateFile(41), 'utf8'), 'offline');
  });

  it('answers the errno of write(2) itself', async () => {
    rmSync(stateFile(40));
    // Accepts numbers from -1000 to 1000 only; of the writing process, which does nothing else.
    symlinkSync('/proc/self/oom_score_adj', stateFile(40));
    const result = await (await prepared('offline', 40)).step('commit');
    assert.deepEqual([result.ok, result.ok ? '' : result.errno], [false, 'EINVAL']);
  });

  it('answers by its name an errno that libuv has no name for', async function () {
    const shim = compileFailingWrite(node.directory);
    // Without a C compiler nothing here makes write(2) fail with these; the function that names them has a test of its own.
    if (shim === undefined) this.skip();
    for (const [errno, name] of [
      [133, 'EHWPOISON'],
      [35, 'EDEADLK'],
      [116, 'ESTALE'],
      [1, 'EPERM'],
    ] as const) {
      const program: ChildProcessByStdio<Writable, Readable, null> = spawn(
        process.execPath,
        ['--no-warnings', PROGRAM, stateFile(41), 'online'],
        {
          stdio: ['pipe', 'pipe', 'inherit'],
          env: { LD_PRELOAD: shim, FAILING_ERRNO: String(errno) },
        },
      );
      program.stdin.end('\n');
      assert.deepEqual(JSON.parse(await textOf(program.stdout)), { errno: name, call: 'write' });
    }
  });

  it('tells an attribute that cannot be opened from a write that fails', async () => {
    const offline = await prepared('offline', 40);
    rmSync(stateFile(40));
    // Read-only even for root.
    symlinkSync('/proc/sys/kernel/random/boot_id', stateFile(40));
    const result = await offline.step('commit');
    assert.match(result.ok ? '' : `${result.errno} ${result.message}`, /^EACCES .*may not open it for writing/);
  });

  it('answers ENODEV where the device goes before it is written', async () => {
    const offline = await prepared('offline', 40);
    node.tree.unplug(40);
    const result = await offline.step('commit');
    assert.equal(result.ok ? 'ok' : result.errno, 'ENODEV');
  });

  it('is interrupted by a cancellation, and by its time', async () => {
    slow = slowWrite(stateFile(40));
    const cancellation = new AbortController();
    const committing = (await prepared('offline', 40)).step(
      'commit',
      {},
      { ...UNINTERRUPTED, signal: cancellation.signal },
    );
    await eventually('the write', () => slow?.isUnderWay());
    const pid = recordedPid();
    cancellation.abort();
    const cancelled = await committing;
    assert.equal(cancelled.ok ? 'ok' : cancelled.errno, 'EINTR');
    assert.equal(identifyProcess(pid), undefined, 'the process has gone');
    slow.finish();
    slow = slowWrite(stateFile(40));
    const late = await (await prepared('offline', 40, 2)).step('commit', { timeoutMs: 300 });
    assert.match(late.ok ? '' : `${late.errno} ${late.message}`, /^EINTR .*not migrate away in time/);
    assert.equal(node.tree.read(40), 'online');
  });

  it('says that somebody else killed it', async () => {
    slow = slowWrite(stateFile(40));
    const committing = (await prepared('offline', 40)).step('commit');
    await eventually('the write', () => slow?.isUnderWay());
    process.kill(recordedPid(), 'SIGKILL');
    const result = await committing;
    assert.match(result.ok ? '' : `${result.errno} ${result.message}`, /^EINTR .*somebody killed/);
  });

  it('writes nothing before it is told to, and nothing if its agent ends first', async () => {
    const writer = new ChildWriter(node.directory);
    const write = { file: stateFile(40), text: 'offline', gateDescriptors: [] };
    const prepare = await writer.prepare(write);
    assert.equal(writer.isBusy(), true);
    await assert.rejects(writer.prepare(write), /another write goes on/);
    prepare.interrupt();
    await prepare.ended;
    assert.equal(writer.isBusy(), false);
    const orphan = spawn(process.execPath, [PROGRAM, write.file, write.text], { stdio: ['pipe', 'ignore', 'inherit'] });
    orphan.stdin.end();
    assert.deepEqual(await once(orphan, 'exit'), [0, null]);
    assert.equal(node.tree.read(40), 'online');
  });

  it('kills no process that only has the same id', () => {
    const self = identifyProcess(process.pid);
    assert.ok(self);
    killProcess({ ...self, startTicks: '1' });
    assert.equal(identifyProcess(2 ** 22 + 1), undefined);
  });

  describe('of an agent that was killed', () => {
    let agent: ChildProcess;
    let reader: OnlineMems;

    /** An agent in the middle of taking memory40 offline, and then no more. */
    beforeEach(async () => {
      slow = slowWrite(stateFile(40));
      new WriteGate({ directory: node.directory }).close();
      reader = openOnlineMems({ directory: node.directory });
      await node.driver.close();
      const { root, bootIdFile } = node.tree;
      const script = new URL('../support/sysfs-driver-process.ts', import.meta.url).pathname;
      agent = spawn(process.execPath, [script, node.directory, root, bootIdFile], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      await eventually('the write', () => slow?.isUnderWay());
      assert.equal(reader.tryGetOnlineMems(), false, 'the gate is shut');
      agent.kill('SIGKILL');
      await once(agent, 'exit');
      await node.restart({ writer: undefined } as object);
    });
    afterEach(() => {
      reader.close();
    });

    it('goes on behind the gate; settle interrupts it and answers when it has gone', async () => {
      const pid = recordedPid();
      assert.notEqual(identifyProcess(pid), undefined, 'the write goes on');
      assert.equal(reader.tryGetOnlineMems(), false);
      await node.driver.settle({ tokens: { mem_hotplug_lock: 1 } });
      assert.equal(identifyProcess(pid), undefined);
      assert.equal(reader.tryGetOnlineMems(), true, 'and the gate with it');
      assert.equal(node.tree.read(40), 'online');
      assert.equal(recordedPid(), 0);
    });

    it('is waited for by a repeat of its step, which answers what came of it', async () => {
      const call = (await run('offline', 40)).call('commit');
      const resumed = node.driver.resume(call, UNINTERRUPTED);
      const repeated = node.driver.step(call, UNINTERRUPTED);
      assert.equal(slow?.isUnderWay(), true);
      slow.finish();
      assert.deepEqual(await Promise.all([resumed, repeated]), [{ ok: true }, { ok: true }]);
      assert.equal(node.tree.read(40), 'offline');
      assert.equal(reader.tryGetOnlineMems(), true);
    });

    it('is interrupted when the operation is cancelled while its repeat waits', async () => {
      const call = (await run('offline', 40)).call('commit');
      const cancellation = new AbortController();
      const resumed = node.driver.resume(call, { ...UNINTERRUPTED, signal: cancellation.signal });
      cancellation.abort();
      const result = await resumed;
      assert.equal(result?.ok === false ? result.errno : 'ok', 'EINTR');
      assert.equal(node.tree.read(40), 'online');
    });

    it('is waited for even if nobody remembers it', async () => {
      const pid = recordedPid();
      await node.driver.close();
      rmSync(join(node.directory, 'sysfs.json'));
      await node.restart({ writer: undefined } as object);
      let isSettled = false;
      const settling = node.driver.settle({ below: 1 }).then(() => (isSettled = true));
      await new Promise(setImmediate);
      assert.equal(isSettled, false);
      process.kill(pid, 'SIGKILL');
      await settling;
    });
  });
});
