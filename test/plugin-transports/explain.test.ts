/** `memhp explain` and `memhp notifiers` as their users run them, against real operators. */
import assert from 'node:assert/strict';
import { DEVICE_HOTPLUG_LOCK } from '../../src/contract/lock-names.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { eventually } from '../support/eventually.ts';
import { runCommand, type CommandResult } from '../support/run-command.ts';

const NODE = 'explain';
const NAME = `${NODE}-memory4`;
const BLOCK = ['node', NODE, 'block', '4'];
/** Keeps the notifiers of this test away from the blocks of others. */
const LABELS = { test: NODE };

describe('memhp explain and memhp notifiers', function () {
  this.timeout(60_000);
  let stage: OperatorStage;
  let unanswered: Promise<CommandResult>;

  const memhp = (...args: readonly string[]): Promise<CommandResult> =>
    runCommand(['node', 'bin/memhp.mjs', ...args], {
      env: {
        TEMPORAL_ADDRESS: stage.environment.temporal.address,
        KUBECONFIG: stage.environment.controlPlane.kubeconfig,
        MEMHP_CLUSTER_ID: '',
      },
      capture: true,
    });
  const explain = (...args: readonly string[]): Promise<CommandResult> => memhp('explain', ...args);

  const inject = (name: string, errno: string, priority: number): Promise<string> =>
    stage.applyNotifier(name, {
      priority,
      blockSelector: { matchLabels: LABELS },
      plugin: { name: 'fault-injection', config: { errors: { MEM_GOING_OFFLINE: errno } } },
    });
  const suspend = async (isSuspended: boolean): Promise<void> => {
    for (const name of ['explain-db', 'explain-freeze']) {
      const patch = JSON.stringify({ spec: { suspend: isSuspended } });
      await stage.kubectl.succeed(['patch', `mnot/${name}`, '--type=merge', '-p', patch]);
    }
  };

  /** Everything that a dry run could have touched, as the servers tell it. */
  async function everything(): Promise<unknown> {
    const objects = await stage.kubectl.succeed([
      'get',
      'mb,nmem,mnot,events',
      '-o',
      'jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.resourceVersion}{"\\n"}{end}',
    ]);
    const lockEntity = await stage.temporal.workflow.getHandle(stage.lockEntityId(NODE)).describe();
    const operations = await stage.operations(`NodeName="${NODE}" AND WorkflowType != "explainOperation"`);
    return { objects, locks: lockEntity.historyLength, operations, effects: await stage.effects(NODE) };
  }

  before(async () => {
    stage = await openOperatorStage();
    unanswered = explain(...BLOCK, '--to', 'offline', '--cluster-id', 'nobody');
    await stage.createNode(NODE);
    await Promise.all([inject('explain-db', 'EBUSY', 20), inject('explain-freeze', 'EPERM', 10)]);
    await stage.kubectl.succeed(['wait', '--for=condition=Ready', 'mnot/explain-db', 'mnot/explain-freeze']);
    await stage.applyBlock({ nodeName: NODE, blockId: 4, state: 'online', labels: LABELS });
    await stage.waitReady(NAME);
  });
  after(async () => {
    await stage.kubectl.succeed(['delete', '--ignore-not-found', 'mnot/explain-db', 'mnot/explain-freeze']);
    await stage.deleteNode(NODE);
  });

  it('names both vetoers and who holds a lock that it would wait for, and changes nothing', async () => {
    const holding = memhp('lock', '--node', NODE, DEVICE_HOTPLUG_LOCK, '--', 'sleep', '55');
    const holder = await eventually('the lock is held', async () => {
      const [lock] = await stage.lockTable(NODE).catch(() => []);
      return lock?.holders[0];
    });
    const before = await everything();
    const { status, output } = await explain(...BLOCK, '--to', 'offline');
    const after = await everything();
    await stage.temporal.workflow.getHandle(holder.workflowId).cancel();
    await holding;
    assert.equal(status, 1, output);
    assert.match(
      output,
      /^Memory block 4 of explain is online in zone Movable; MemoryBlock explain-memory4 asks for online\.$/m,
    );
    assert.match(output, /explain-db would veto MEM_GOING_OFFLINE \(EBUSY\): injected EBUSY/);
    assert.match(
      output,
      /explain-freeze would veto MEM_GOING_OFFLINE \(EPERM\), once explain-db has no objection any more/,
    );
    assert.match(output, /^ +1 +explain-db +fault-injection +veto +NOTIFY_BAD EBUSY/m);
    assert.match(
      output,
      /^ +2 +explain-freeze +fault-injection +veto \(not asked after explain-db\) +NOTIFY_BAD EPERM/m,
    );
    assert.match(output, /^ +device_hotplug_lock +held +write +\d+s +\d+ +memhp lock \(.*\): sleep 55/m);
    assert.match(output, /^ +free: device_lock\/memory4, mem_hotplug_lock$/m);
    assert.deepEqual(after, before);
  });

  it('tells the same as JSON', async () => {
    const { status, output } = await explain(...BLOCK, '--to', 'absent', '-o', 'json');
    assert.equal(status, 1, output);
    const told = JSON.parse(output) as {
      goesThrough: boolean;
      operations: { type: string; calls?: { name: string; isVeto: boolean }[] }[];
      locks: { wanted: string[] };
    };
    assert.equal(told.goesThrough, false);
    assert.deepEqual(
      told.operations.map(({ type, calls }) => [type, calls?.map(({ name, isVeto }) => [name, isVeto])]),
      [
        [
          'offline',
          [
            ['explain-db', true],
            ['explain-freeze', true],
          ],
        ],
        ['remove', undefined],
      ],
    );
    assert.deepEqual(told.locks.wanted, [DEVICE_HOTPLUG_LOCK, 'device_lock/memory4', 'mem_hotplug_lock']);
  });

  it('ends with 0 where it would go through or nothing is to be done, and with 2 where it cannot be known', async () => {
    const [done, unknown, mistyped, incomplete] = await Promise.all([
      explain(...BLOCK, '--to', 'online'),
      explain('node', 'nowhere', 'block', '4', '--to', 'offline'),
      explain(NODE, '4', '--to', 'offline'),
      explain(...BLOCK),
    ]);
    assert.equal(done.status, 0, done.output);
    assert.match(done.output, /^To make it online, nothing would be done: the block is online\.$/m);
    assert.deepEqual([unknown.status, mistyped.status, incomplete.status], [2, 2, 2]);
    assert.match(unknown.output, /^memhp: there is no NodeMemory nowhere; /);
    assert.match(mistyped.output, /^memhp: "explain 4" names no block; write node NAME block ID/);
    const { status, output } = await unanswered;
    assert.deepEqual(
      [status, output],
      [2, 'memhp: no operator took the question in 10 s; is memhp operator running?\n'],
    );
  });

  it('memhp notifiers shows the chain in order, the last call and the last verdicts; a dry run is no call', async () => {
    const silent = await memhp('notifiers', '--node', NODE, '--block', '4');
    assert.equal(silent.status, 0, silent.output);
    assert.match(silent.output, /^1 +explain-db +fault-injection +20 +all +Fail +10s +True$/m, 'no call was counted');

    await stage.editBlock(NAME, { state: 'offline' });
    await stage.untilReason(NAME, 'Vetoed');
    const called = await eventually('the last call is told', async () => {
      const { output } = await memhp('notifiers', '--node', NODE, '--block', '4');
      return /^1 .*MEM_/m.test(output) && output;
    });
    assert.match(
      called,
      /^explain-memory4 +offline +Vetoed +\d+s +explain-db +MEM_GOING_OFFLINE +NOTIFY_BAD EBUSY +injected/m,
    );
    assert.match(called, /^2 +explain-freeze /m);

    await suspend(true);
    const { status, output } = await explain(...BLOCK, '--to', 'offline');
    assert.equal(status, 0, output);
    const suspended = await memhp('notifiers', '--node', NODE, '--block', '4');
    assert.match(suspended.output, /^- +explain-db .* yes/m);
  });
});
