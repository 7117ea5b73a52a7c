/** A Node leaves the cluster, and its NodeMemory with it by garbage collection: sooner or later, in either order. */
import assert from 'node:assert/strict';
import type { NodeMemory } from '../../src/contract/resources.ts';
import type { NodeObject } from '../../src/controller/cluster.ts';
import { ALL_CAPABILITIES, blockOf, BOOT, NODE, nodeMemoryOf } from '../support/block-fixtures.ts';
import { ControllerStage } from '../support/controller-stage.ts';

const KEPT = 'worker-1-memory32';
const DELETED = 'worker-1-memory33';

const nodeOf = (uid: string): NodeObject => ({ metadata: { name: NODE, uid } });
const ownedBy = (uid: string, nodeMemoryUid = 'uid-node-memory'): NodeMemory =>
  nodeMemoryOf(ALL_CAPABILITIES, BOOT, {
    uid: nodeMemoryUid,
    ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: NODE, uid }],
  });

describe('a node that leaves the cluster', () => {
  let stage: ControllerStage;

  beforeEach(async () => {
    stage = new ControllerStage();
    stage.cluster.nodeMemories.set(NODE, ownedBy('first'));
    await stage.run(blockOf({ state: 'online', deletionPolicy: 'Remove' }, { state: 'online', zone: 'Movable' }));
    await nodeComes('first');
    await nodeMemoryComes(ownedBy('first'));
    const other = { blockId: 33, state: 'online', deletionPolicy: 'Remove' } as const;
    stage.cluster.put(blockOf(other, { state: 'online', zone: 'Movable' }));
    await stage.settle();
    // Its offline never ends: the node is about to go.
    stage.cluster.delete(DELETED);
    await stage.settle();
    assert.deepEqual(stage.operations.started, ['offline']);
    assert.deepEqual(stage.ready(KEPT).slice(0, 2), ['True', 'Settled']);
    stage.cluster.events.length = 0;
  });
  afterEach(() => stage.close());

  async function nodeGoes(): Promise<void> {
    const node = stage.cluster.nodes.get(NODE) ?? nodeOf('');
    stage.cluster.nodes.delete(NODE);
    for (const controller of stage.controllers) controller.nodeChanged(node, 'delete');
    await stage.settle();
  }

  async function nodeMemoryGoes(): Promise<void> {
    const nodeMemory = stage.cluster.nodeMemories.get(NODE) ?? nodeMemoryOf();
    stage.cluster.nodeMemories.delete(NODE);
    for (const controller of stage.controllers) controller.nodeMemoryChanged(nodeMemory, 'delete');
    await stage.settle();
  }

  async function nodeComes(uid: string): Promise<void> {
    stage.cluster.nodes.set(NODE, nodeOf(uid));
    for (const controller of stage.controllers) controller.nodeChanged(nodeOf(uid), 'add');
    await stage.settle();
  }

  async function nodeMemoryComes(nodeMemory: NodeMemory): Promise<void> {
    stage.cluster.nodeMemories.set(NODE, nodeMemory);
    for (const controller of stage.controllers) controller.nodeMemoryChanged(nodeMemory, 'add');
    await stage.settle();
  }

  /** No memory was touched; what was to be deleted is let go, the rest says that its node is gone. */
  function assertGone(): void {
    assert.equal(stage.cluster.blocks.has(DELETED), false);
    assert.deepEqual(stage.ready(KEPT).slice(0, 2), ['False', 'NodeGone']);
    assert.deepEqual(stage.operations.started, ['offline'], 'nothing more was begun');
    assert.ok(stage.operations.running().isCancelRequested);
  }

  for (const [order, steps] of [
    ['its NodeMemory goes later', [nodeGoes, nodeMemoryGoes]],
    ['its NodeMemory goes first', [nodeMemoryGoes, nodeGoes]],
  ] as const) {
    it(`${order}: nothing is operated, and what was to be deleted is let go`, async () => {
      for (const step of steps) {
        await step();
        assertGone();
      }
      assert.equal(stage.reasons.filter((reason) => reason === 'NodeGone').length, 2, 'told once of each');
      await stage.pass(600_000);
      assertGone();
      stage.cluster.delete(KEPT);
      await stage.settle();
      assert.equal(stage.cluster.blocks.has(KEPT), false);
    });
  }

  for (const [order, comeBack] of [
    ['Node first', () => nodeComes('second').then(() => nodeMemoryComes(ownedBy('second', 'another')))],
    ['NodeMemory first', () => nodeMemoryComes(ownedBy('second', 'another')).then(() => nodeComes('second'))],
  ] as const) {
    it(`and comes back, ${order}: its blocks go on`, async () => {
      await nodeGoes();
      await nodeMemoryGoes();
      await comeBack();
      assert.deepEqual(stage.ready(KEPT).slice(0, 2), ['True', 'Settled']);
    });
  }

  it('and comes back before its NodeMemory was collected: nothing is operated until the new one is there', async () => {
    await nodeGoes();
    await nodeComes('second');
    assertGone();
    assert.match(stage.ready(KEPT)[2], /was replaced by another of the same name/);
    await nodeMemoryGoes();
    assertGone();
    await nodeMemoryComes(ownedBy('second', 'another'));
    assert.deepEqual(stage.ready(KEPT).slice(0, 2), ['True', 'Settled']);
  });

  describe('as far as the copy tells, and the server does not', () => {
    beforeEach(() => {
      const live = stage.cluster.nodes.get(NODE);
      stage.cluster.readNode = () => Promise.resolve(live);
    });

    it('nothing is let go, and what runs goes on', async () => {
      stage.cluster.edit(KEPT, { state: 'offline' });
      await stage.settle();
      assert.equal(stage.operations.runs.length, 2);
      await nodeGoes();
      await stage.pass(30_000);
      assert.equal(stage.cluster.blocks.has(DELETED), true);
      assert.deepEqual(
        stage.operations.runs.map(({ isCancelRequested }) => isCancelRequested),
        [false, false],
      );
    });

    it('a run that died is not given up', async () => {
      stage.operations.lookAgain();
      stage.operations.terminate();
      await nodeGoes();
      await stage.pass(30_000);
      assert.equal(stage.status(DELETED).lastOperation, undefined);
      await nodeComes('first');
      await stage.pass(10_000);
      assert.equal(stage.operations.running().memo.recovers, stage.operations.runs[0]?.runId);
    });
  });

  it('an object that the copy has lost, and the server has not: its operation goes on', async () => {
    for (const controller of stage.controllers) controller.blockChanged(stage.cluster.block(DELETED), 'delete');
    await stage.settle();
    assert.equal(stage.operations.running().isCancelRequested, false);
  });
});
