/** `kubectl apply` of a MemoryBlock until its memory is online, and what is left to see of that. */
import assert from 'node:assert/strict';
import type { OperationType } from '../../src/kernel/memory-block.ts';
import { eventually } from '../support/eventually.ts';
import { followBlock, stepsOf, type FollowedBlock } from '../support/follow-block.ts';
import { storyOf } from '../support/history-story.ts';
import type { SeenOperation } from '../support/operated-cluster.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';

const NODE = 'apply';
const NAME = `${NODE}-memory8`;

describe('apply until online', function () {
  this.timeout(60_000);
  let stage: OperatorStage;
  let followed: FollowedBlock;

  /** The one run of this type that visibility lists. */
  const onlyRun = (type: OperationType): Promise<SeenOperation> =>
    eventually(`Temporal lists one ${type} that has completed`, async () => {
      const runs = await stage.operations(`NodeName="${NODE}" AND MemoryOperation="${type}"`);
      assert.ok(runs.length <= 1, JSON.stringify(runs));
      return runs.find(({ status }) => status === 'COMPLETED');
    });

  before(async () => {
    stage = await openOperatorStage();
    await stage.createNode(NODE);
    followed = await followBlock(stage, NAME);
    await stage.applyBlock({ nodeName: NODE, blockId: 8, state: 'online_movable' });
    await stage.waitReady(NAME);
  });
  after(async () => {
    await followed.stop();
    await stage.deleteNode(NODE);
  });

  it('goes absent → offline → online in zone Movable', async () => {
    const status = await stage.blockStatus(NAME);
    assert.deepEqual([status.state, status.zone], ['online', 'Movable']);
    assert.deepEqual([status.physicalAddress, status.blockSize], ['0x40000000', '128Mi']);
    const states = stepsOf(followed.versions.map((version) => version.status?.state));
    assert.deepEqual(states.filter(Boolean), ['absent', 'offline', 'online']);
  });

  it('changes the node exactly once per step, each under a larger token of the device_lock', async () => {
    const effects = (await stage.effects(NODE)).filter(({ blockId }) => blockId === 8);
    assert.deepEqual(
      effects.map(({ change }) => change),
      ['created', 'pages-online'],
    );
    const tokens = stepsOf(followed.versions.flatMap(({ status }) => status?.fencingToken ?? []));
    assert.equal(tokens.length, 2, 'one token of the add, one of the online');
    assert.ok(tokens[0]! < tokens[1]!, tokens.join(' → '));
    assert.equal(effects[1]?.tokens?.['device_lock/memory8'], tokens[1]);
  });

  it('says in every condition how things are, and about which generation', async () => {
    const block = await stage.block(NAME);
    const conditions = block?.status?.conditions ?? [];
    assert.deepEqual(
      conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`),
      [
        'Ready=True Settled',
        'Reconciling=False Settled',
        'Stalled=False Settled',
        'Present=True Online',
        'Online=True Online',
      ],
    );
    for (const condition of conditions) assert.equal(condition.observedGeneration, block?.metadata.generation);
  });

  it('keeps the outcome of the last operation, whose run Temporal still shows', async () => {
    const { lastOperation, operation, retry } = await stage.blockStatus(NAME);
    const run = await onlyRun('online');
    assert.deepEqual(
      [lastOperation?.type, lastOperation?.result, lastOperation?.runId],
      ['online', 'Succeeded', run.runId],
    );
    assert.deepEqual([operation, retry], [undefined, undefined], 'nothing runs and nothing waits');
  });

  it('can be found in Temporal by node, block, operation and result, with a summary for people', async () => {
    await onlyRun('add');
    const { workflowId, runId, type } = await onlyRun('online');
    assert.deepEqual([type, workflowId], ['onlineMemory', stage.operationId(NODE, 8)]);
    const description = await stage.temporal.workflow.getHandle(workflowId, runId).describe();
    assert.equal(await description.staticSummary(), `online memory8 on ${NODE}`);
    const found = await stage.operations(`MemoryBlock="${NAME}" AND OperationResult="Succeeded"`);
    assert.deepEqual(
      found.map((run) => run.type),
      ['addMemory', 'onlineMemory'],
    );
    const story = await storyOf(stage.temporal, workflowId, runId);
    assert.ok(story.includes('commit online memory8'), story.join('\n'));
  });

  it('tells it in events: what it does, then that it is settled', async () => {
    const events = await stage.events(NAME);
    assert.deepEqual(
      events.map(({ type, reason }) => `${type} ${reason}`),
      ['Normal Operating', 'Normal Settled'],
    );
  });

  it('gives back every lock', async () => {
    assert.deepEqual(await stage.lockTable(NODE), []);
  });
});
