/**
 * An operation is ended from outside ("terminate" in the Temporal UI), so that it can neither give its locks back nor say
 * how it ended. Nothing here takes its locks away: a holder that died looks like one that is slow until its node is known
 * to refuse it. What is promised is that all of it can be seen, and that no memory is touched meanwhile.
 */
import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { ONE_OPERATION_LAYOUT } from '../support/ended-once.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';

const NODE = 'terminated';

describe('operation that was terminated', function () {
  this.timeout(60_000);
  let stage: OperatorStage;
  let name: string;
  let terminated: string;

  before(async () => {
    stage = await openOperatorStage();
    await stage.createNode(NODE, { simulated: ONE_OPERATION_LAYOUT });
    const plugin = { name: 'fault-injection', config: { hang: ['MEM_GOING_ONLINE'] } };
    const blockSelector = { matchLabels: { 'memhp-test/node': NODE } };
    await stage.applyNotifier('hangs', { plugin, timeoutSeconds: 30, blockSelector });
    const labels = { 'memhp-test/node': NODE };
    name = await stage.applyBlock({
      nodeName: NODE,
      blockId: 8,
      state: 'online_movable',
      lockTimeoutSeconds: 7,
      labels,
    });
    const holder = await eventually('the operation holds its locks', async () => {
      const [lock] = (await stage.blockStatus(name)).operation ? await stage.lockTable(NODE) : [];
      return lock?.holders[0];
    });
    terminated = holder.runId;
    await stage.temporal.workflow.getHandle(holder.workflowId, holder.runId).terminate('by a test');
  });
  after(async () => {
    await stage.kubectl.run(['delete', 'mnot/hangs', `mb/${name}`, '--wait=false']);
  });

  it('is told as Unknown, with the run and what happens next', async () => {
    const { lastOperation, conditions } = await stage.untilReason(name, 'Unknown');
    assert.deepEqual([lastOperation?.result, lastOperation?.runId], ['Unknown', terminated]);
    const ready = conditions?.find(({ type }) => type === 'Ready');
    assert.match(
      ready?.message ?? '',
      /was closed \(TERMINATED\) without an outcome; .*Locks that it held are still held/,
    );
  });

  it('still holds its locks, which the next try and everybody who looks can see', async () => {
    const phase = ({ operation }: { operation?: { phase?: string } } = {}): boolean =>
      operation?.phase === 'WaitingForLocks';
    const { operation, conditions } = await stage.untilBlock(name, 'the next try waits', ({ status }) => phase(status));
    assert.notEqual(operation?.runId, terminated);
    const ready = conditions?.find(({ type }) => type === 'Ready');
    assert.match(ready?.message ?? '', /online memory8 holds device_hotplug_lock since/);
    const holders = (await stage.lockTable(NODE)).flatMap((lock) => lock.holders.map(({ runId }) => runId));
    assert.deepEqual(holders, [terminated, terminated, terminated]);
  });

  it('makes the next try give way after lockTimeoutSeconds, and no memory was changed', async () => {
    const { lastOperation } = await stage.untilReason(name, 'TimedOut');
    assert.deepEqual([lastOperation?.result, lastOperation?.errno], ['Failed', 'ETIMEDOUT']);
    assert.deepEqual(await stage.effects(NODE), []);
    assert.equal((await stage.nodeState(NODE)).blocks[8]?.state, 'offline');
  });
});

describe('offline that was terminated while pages migrate', function () {
  this.timeout(60_000);
  const node = 'abandoned';

  it('is settled by the next operation once the lock entity was started anew', async () => {
    const stage = await openOperatorStage();
    await stage.createNode(node, { simulated: { ...ONE_OPERATION_LAYOUT, migrationMs: 3_000 } });
    const name = await stage.applyBlock({ nodeName: node, blockId: 0, state: 'offline' });
    const { operation } = await stage.untilBlock(
      name,
      'pages migrate',
      ({ status }) => status?.state === 'going-offline' && status.operation !== undefined,
    );
    assert.ok(operation);
    const { workflow } = stage.temporal;
    await workflow.getHandle(operation.workflowId, operation.runId).terminate('by a test');
    await workflow.getHandle(stage.lockEntityId(node)).terminate('by a test');

    await stage.waitReady(name);
    assert.equal((await stage.nodeState(node)).blocks[0]?.state, 'offline');
    const changes = (await stage.effects(node)).map(({ change }) => change);
    assert.deepEqual(changes, ['pages-offline'], 'the pages went once');
    assert.deepEqual(await stage.lockTable(node), []);
  });
});
