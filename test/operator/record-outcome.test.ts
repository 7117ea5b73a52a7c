/** The last write of an operation: its outcome and, where nothing is left to be done, that the block is Ready. */
import assert from 'node:assert/strict';
import type { OperationActivities } from '../../src/contract/activities.ts';
import type { OperationOutcome } from '../../src/contract/operations.ts';
import type { MemoryBlockStatus } from '../../src/contract/resources.ts';
import { createOperationActivities } from '../../src/operator/operation-activities.ts';
import { blockOf, CLUSTER } from '../support/block-fixtures.ts';
import { ControllerStage } from '../support/controller-stage.ts';

const NAME = 'worker-1-memory32';

describe('the outcome of an operation', () => {
  let stage: ControllerStage;

  beforeEach(async () => {
    stage = new ControllerStage();
    await stage.run(blockOf({ state: 'online' }, { state: 'absent' }));
    stage.cluster.statusWrites.length = 0;
  });
  afterEach(() => stage.close());

  function activities(): OperationActivities {
    const unused = () => Promise.reject(new Error('not asked here'));
    return createOperationActivities({
      cluster: stage.cluster,
      clusterId: CLUSTER,
      listNotifiers: () => Promise.resolve([]),
      askPlugin: unused,
      askWebhook: unused,
      describeRun: () => Promise.resolve(undefined),
      settledStatus: (block) => stage.controllers[0]?.settledStatus(block),
    });
  }

  /** The operation that runs ends so, after the agent has seen `seen`. */
  async function record(seen: MemoryBlockStatus, outcome: Partial<OperationOutcome> = {}): Promise<void> {
    const run = stage.operations.running();
    const { type } = run.memo;
    const owner = { workflowId: run.workflowId, runId: run.runId };
    stage.cluster.patchStatus(NAME, (status) => ({ ...status, ...seen }));
    await stage.settle();
    stage.cluster.statusWrites.length = 0;
    run.isRunning = false;
    const block = { name: NAME, uid: 'uid-32', generation: 1 };
    const full: OperationOutcome = { type, result: 'Succeeded', message: 'done', notifiers: [], ...outcome };
    await activities().recordOutcome({ node: run.request.input.node, block, owner, outcome: full });
    await stage.settle();
  }

  it('is written together with all that there is to say of a block that is as asked for', async () => {
    await record({ state: 'offline' });
    await record({ state: 'online', zone: 'Normal' });
    assert.deepEqual(stage.cluster.statusWrites, [NAME]);
    assert.deepEqual(stage.ready(NAME).slice(0, 2), ['True', 'Settled']);
    const { operation, lastOperation, conditions } = stage.status(NAME);
    assert.deepEqual([operation, lastOperation?.type], [undefined, 'online']);
    assert.equal(conditions?.find(({ type }) => type === 'Online')?.status, 'True');
    assert.deepEqual(stage.reasons, ['Operating', 'Settled']);
  });

  it('leaves the rest to the controller where something is left to be done', async () => {
    await record({ state: 'offline' });
    assert.equal(stage.ready(NAME)[1], 'Operating');
    assert.deepEqual(stage.operations.started, ['add', 'online']);
    await record({}, { result: 'Vetoed', errno: 'EBUSY', message: 'vetoed by guard' });
    assert.deepEqual(stage.ready(NAME).slice(0, 2), ['False', 'Vetoed']);
  });

  it('leaves the rest to the controller while that does not know the node yet', async () => {
    await record({ state: 'offline' });
    const nodeMemories = new Map(stage.cluster.nodeMemories);
    stage.cluster.nodeMemories.clear();
    assert.equal(stage.controllers[0]?.settledStatus(blockOf({ state: 'online' }, { state: 'online' })), undefined);
    for (const [name, nodeMemory] of nodeMemories) stage.cluster.nodeMemories.set(name, nodeMemory);
  });
});
