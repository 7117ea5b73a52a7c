/** `memhp lock` as a process: the locks are a workflow's, the command is a child of the process. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { LockParty } from '../../src/contract/locks.ts';
import type { OperationRequest } from '../../src/contract/operations.ts';
import { eventually } from '../support/eventually.ts';
import { OperationStage, registered } from '../support/operation-stage.ts';
import { ScriptedNode } from '../support/scripted-node.ts';
import { sharedTemporal } from '../support/shared-temporal.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');
const D = 'device_hotplug_lock';
/** Long enough for a busy machine, short enough to wait for in a test. */
const SUSPECT_AFTER = '3';

interface Memhp {
  readonly child: ChildProcess;
  /** What it has said so far. */
  readonly said: () => string;
  readonly exited: Promise<[number | null, NodeJS.Signals | null]>;
}

describe('memhp lock', function () {
  this.timeout(60_000);
  let stage: OperationStage;
  let directory: string;
  const started: ChildProcess[] = [];

  before(async () => {
    stage = await new OperationStage(new ScriptedNode('worker-1', { 30: 'offline', 31: 'offline' })).open();
  });
  after(() => stage.close());
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'memhp-lock-'));
  });
  afterEach(async () => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
    await eventually('all locks are free', async () => (await stage.lockTable()).locks.length === 0);
  });

  async function memhpLock(...args: string[]): Promise<Memhp> {
    const { address, namespace } = await sharedTemporal();
    const own = ['lock', '--node', 'worker-1', '--cluster-id', stage.cluster, '--suspect-after', SUSPECT_AFTER];
    const child = spawn(process.execPath, [path.join(REPOSITORY, 'src/cli/memhp.ts'), ...own, ...args], {
      env: { ...process.env, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    started.push(child);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    }
    const exited = once(child, 'exit') as Memhp['exited'];
    return { child, said: () => said, exited };
  }

  const file = (name: string): string => path.join(directory, name);

  /** A command that says that it runs, and goes on until file `end` is there. */
  function untilEnd(status = 0): string[] {
    const script = `echo run >> ${file('runs')}; while [ -e ${file('runs')} ] && [ ! -e ${file('end')} ]; do sleep 0.1; done; exit ${String(status)}`;
    return ['--', 'sh', '-c', script];
  }
  const runs = (): number =>
    existsSync(file('runs')) ? readFileSync(file('runs'), 'utf8').trim().split('\n').length : 0;
  const untilRunning = (): Promise<unknown> => eventually('the command runs', () => runs() > 0);
  const endCommand = (): Promise<void> => writeFile(file('end'), '');

  async function holder(): Promise<LockParty | undefined> {
    return (await stage.lockTable()).locks.find(({ name }) => name === D)?.holders[0];
  }
  const untilSuspect = (): Promise<LockParty> =>
    eventually('the holder is suspect', async () => {
      const party = await holder();
      return party?.suspect === undefined ? undefined : party;
    });

  const online = (blockId = 30): OperationRequest => ({
    type: 'online',
    input: { ...stage.base, blockId, onlineType: 'online_movable' },
  });

  it('keeps operations out while the command runs, says who it is, and passes the exit status on', async () => {
    const memhp = await memhpLock(D, ...untilEnd(7));
    await untilRunning();
    assert.match((await holder())?.purpose ?? '', /^memhp lock \(\S+@\S+ \d+\): sh -c echo run/);
    const onlining = await stage.start(online());
    await eventually('the operation waits', async () =>
      (await stage.lockTable()).locks.some(({ waiters }) => waiters.some(({ runId }) => runId === onlining.runId)),
    );
    assert.deepEqual(stage.node.steps, []);
    await endCommand();
    assert.deepEqual(await memhp.exited, [7, null]);
    assert.equal((await onlining.result()).result, 'Succeeded');
  });

  it('waits for its turn and says for whom; --try and --timeout do not', async () => {
    const first = await memhpLock(D, ...untilEnd());
    await untilRunning();
    const second = await memhpLock(D, '--', 'sh', '-c', `echo second > ${file('second')}`);
    await eventually('it says who is in the way', () =>
      second.said().includes('waiting for device_hotplug_lock, held by memhp lock ('),
    );
    const trying = await memhpLock('--try', D, '--', 'touch', file('never'));
    assert.deepEqual(await trying.exited, [124, null]);
    assert.match(trying.said(), /memhp: EBUSY: device_hotplug_lock is held by memhp lock/);
    const hasty = await memhpLock('--timeout', '0.5', D, '--', 'touch', file('never'));
    assert.deepEqual(await hasty.exited, [124, null]);
    assert.match(hasty.said(), /memhp: ETIMEDOUT/);
    assert.equal(existsSync(file('second')), false);
    await endCommand();
    assert.deepEqual(await first.exited, [0, null]);
    assert.deepEqual(await second.exited, [0, null]);
    assert.equal(existsSync(file('second')), true);
    assert.equal(existsSync(file('never')), false);
  });

  it('in a plugin: is refused at once what the operation holds that waits for the plugin', async () => {
    let asking: Memhp | undefined;
    stage.notifiers = [registered('script', { actions: ['MEM_GOING_ONLINE'] })];
    stage.ask = async (_notifier, event) => {
      asking = await memhpLock('--caused-by', event.workflowId, D, '--', 'touch', file('never'));
      await asking.exited;
      return { kind: 'answer', answer: { result: 'NOTIFY_OK' } };
    };
    const { result } = await (await stage.start(online(31))).result();
    stage.notifiers = [];
    assert.equal(result, 'Succeeded');
    assert.match(asking?.said() ?? '', /EDEADLK: .*waits for device_hotplug_lock.*waits for its plugin/s);
    assert.equal(existsSync(file('never')), false);
  });

  it('killed: the holder is suspect and keeps the lock, until a human cancels the workflow', async () => {
    const memhp = await memhpLock(D, ...untilEnd());
    await untilRunning();
    memhp.child.kill('SIGKILL');
    const { suspect, workflowId } = await untilSuspect();
    assert.match(suspect ?? '', /not been heard of for 3 s/);
    const onlining = await stage.start(online());
    await eventually('the operation waits', async () =>
      (await stage.lockTable()).locks.some(({ waiters }) => waiters.some(({ runId }) => runId === onlining.runId)),
    );
    await stage.client.workflow.getHandle(workflowId).cancel();
    assert.equal((await onlining.result()).result, 'Succeeded');
    assert.deepEqual(await stage.client.workflow.getHandle(workflowId).result(), { kind: 'abandoned' });
    await endCommand();
  });

  it('stopped and continued: suspect meanwhile, then not any more; the command ran once', async () => {
    const memhp = await memhpLock(D, ...untilEnd(5));
    await untilRunning();
    memhp.child.kill('SIGSTOP');
    await untilSuspect();
    memhp.child.kill('SIGCONT');
    await eventually('the mark is gone', async () => {
      const party = await holder();
      return party && party.suspect === undefined;
    });
    await endCommand();
    assert.deepEqual(await memhp.exited, [5, null]);
    assert.equal(runs(), 1);
  });

  it('cancelled by a human while it is heard of: the command is ended, then the lock is given back', async () => {
    const memhp = await memhpLock(D, ...untilEnd());
    await untilRunning();
    const { workflowId } = (await holder())!;
    await stage.client.workflow.getHandle(workflowId).cancel();
    assert.deepEqual(await memhp.exited, [128 + 15, null]);
    assert.equal(await holder(), undefined);
  });

  it('a signal ends the command, then the lock is given back', async () => {
    const memhp = await memhpLock(D, ...untilEnd());
    await untilRunning();
    memhp.child.kill('SIGINT');
    assert.deepEqual(await memhp.exited, [128 + 2, null]);
    assert.equal(await holder(), undefined);
  });

  it('a signal while it waits withdraws the request; the command is not run', async () => {
    const first = await memhpLock(D, ...untilEnd());
    await untilRunning();
    const second = await memhpLock(D, '--', 'touch', file('never'));
    await eventually('it waits', () => second.said().includes('waiting for'));
    second.child.kill('SIGTERM');
    assert.deepEqual(await second.exited, [128 + 15, null]);
    await endCommand();
    await first.exited;
    assert.equal(existsSync(file('never')), false);
  });

  it('tells what is wrong with its arguments, and with a command that is not there', async () => {
    for (const [args, status, message] of [
      [[D], 125, /what to run/],
      [['device_hotplug_lock:r', '--', 'true'], 125, /is a mutex and has no read mode/],
      [['big_kernel_lock', '--', 'true'], 125, /"big_kernel_lock" is no lock; there are device_hotplug_lock/],
      [['mem_hotplug_lock:r', '--', 'no-such-command'], 127, /cannot run no-such-command/],
    ] as const) {
      const memhp = await memhpLock(...args);
      assert.deepEqual([args, (await memhp.exited)[0]], [args, status], memhp.said());
      assert.match(memhp.said(), message);
    }
  });
});
