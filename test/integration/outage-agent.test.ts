/**
 * The agent of a node dies, or is stopped, at any time. What it was doing is held, visibly, until it is back; what it has
 * not begun is refused and tried again. An operator that is stopped leaves its operations to the others.
 */
import assert from 'node:assert/strict';
import { memoryBlockName } from '../../src/contract/names.ts';
import { assertEndedOnce, closedRuns, ONE_OPERATION_LAYOUT } from '../support/ended-once.ts';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { readyOf } from '../support/simulated-cluster.ts';

/** Long enough to be hit in the middle. */
const MIGRATION_MS = 3_000;
/** A silent step is noticed after 10 s, and the agent that does not take the next attempt after 10 s more. */
const NOTICED_LIMIT_MS = 40_000;

describe('agents and operators that end', function () {
  this.timeout(90_000);
  let stage: OperatorStage;

  before(async () => {
    stage = await openOperatorStage({ private: true });
  });
  after(async function () {
    this.timeout(30_000);
    await stage.close();
  });

  const createNode = (name: string, migrationMs = 0): Promise<string> =>
    stage.createNode(name, { simulated: { ...ONE_OPERATION_LAYOUT, migrationMs } });
  const beginOffline = async (node: string): Promise<string> => {
    const name = await stage.applyBlock({ nodeName: node, blockId: 4, state: 'offline' });
    await eventually(`memory4 of ${node} migrates`, async () => {
      return (await stage.nodeState(node)).blocks[4]?.transition?.migrationStartedAtMs !== undefined;
    });
    return name;
  };
  const agentReady = async (node: string): Promise<string | undefined> =>
    (await stage.node(node))?.status?.conditions?.find(({ type }) => type === 'AgentReady')?.status;

  it('an agent killed while pages migrate and started again goes on where it was', async () => {
    const node = await createNode('killed-once', MIGRATION_MS);
    await beginOffline(node);
    await stage.process('agent').kill();
    await stage.startAgent();
    await assertEndedOnce(stage, { node, blockId: 4, operation: 'offline' });
  });

  it('an agent that is stopped says so; blocks then wait without a try, and go on when it is back', async () => {
    const node = await createNode('stopped');
    const name = await stage.applyBlock({ nodeName: node, blockId: 8 });
    await stage.untilReason(name, 'ObserveOnly');
    const report = await stage.process('agent').stop();
    assert.equal(report.status, 0, report.logTail);
    await eventually('AgentReady is False', async () => (await agentReady(node)) === 'False');
    await stage.editBlock(name, { state: 'online_movable' });
    const status = await stage.untilReason(name, 'AgentUnavailable');
    assert.match(readyOf(status)?.message ?? '', /stopped; start it again/);
    await stage.startAgent();
    await eventually('AgentReady is True', async () => (await agentReady(node)) === 'True');
    await assertEndedOnce(stage, { node, blockId: 8, operation: 'online' });
  });

  it('an operator that is stopped ends with status 0 and another finishes its operations', async () => {
    const spec = { plugin: { name: 'fault-injection', config: { delayMs: 2_000 } } };
    await stage.applyNotifier('slow', spec);
    const nodes = await Promise.all(['left-1', 'left-2', 'left-3', 'left-4'].map((node) => createNode(node)));
    for (const node of nodes) await stage.applyBlock({ nodeName: node, blockId: 4, state: 'offline' });
    for (const node of nodes) {
      await eventually(`memory4 of ${node} is going offline`, async () => {
        return (await stage.blockStatus(memoryBlockName(node, 4))).state === 'going-offline';
      });
    }
    const report = await stage.process('operator-1').stop();
    assert.deepEqual([report.status, report.signal], [0, null], report.logTail);
    for (const node of nodes) await assertEndedOnce(stage, { node, blockId: 4, operation: 'offline' });
  });

  describe('an agent that stays away', () => {
    const [working, idle] = ['killed-working', 'killed-idle'];
    let held: string;
    let asked: string;

    before(async () => {
      await Promise.all([createNode(working, MIGRATION_MS), createNode(idle)]);
      asked = await stage.applyBlock({ nodeName: idle, blockId: 8 });
      await stage.untilReason(asked, 'ObserveOnly');
      held = await beginOffline(working);
      await stage.process('agent').kill();
      await stage.editBlock(asked, { state: 'online_movable' });
    });

    it('is missed by an operation that has done nothing yet: it gives its locks back and tells what to check', async () => {
      const { lastOperation, conditions } = await stage.untilReason(asked, 'AgentUnavailable', {
        limitMs: NOTICED_LIMIT_MS,
      });
      assert.equal(lastOperation?.result, 'Failed');
      const ready = conditions?.find(({ type }) => type === 'Ready');
      assert.match(ready?.message ?? '', /the agent of killed-idle has not answered for 10 s; is it running\?/);
    });

    it('is waited for by an operation that has begun, which shows that and keeps its locks', async () => {
      const { operation } = await stage.untilBlock(
        held,
        'waits for the agent',
        ({ status }) => status?.operation?.phase === 'WaitingForAgent',
        { limitMs: NOTICED_LIMIT_MS },
      );
      assert.match(readyOf(await stage.blockStatus(held))?.message ?? '', /agent of killed-working does not answer/);
      const holders = (await stage.lockTable(working)).flatMap(({ name, holders }) =>
        holders.map(({ runId }) => [name, runId]),
      );
      assert.deepEqual(
        holders,
        ['device_hotplug_lock', 'device_lock/memory4', 'mem_hotplug_lock'].map((lock) => [lock, operation?.runId]),
      );
      assert.deepEqual(await stage.effects(working), []);
    });

    it('comes back: both end by themselves, each with one effect', async () => {
      await stage.startAgent();
      await assertEndedOnce(stage, { node: working, blockId: 4, operation: 'offline' });
      await stage.untilReason(asked, 'Settled', { limitMs: NOTICED_LIMIT_MS });
      assert.deepEqual(await stage.effectsOf(idle, 8), ['pages-online']);
      const runs = await closedRuns(stage, idle, 8);
      assert.ok(runs.every(({ status }) => status === 'COMPLETED'));
    });
  });
});
