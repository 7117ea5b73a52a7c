import assert from 'node:assert/strict';
import { formatBlockRanges } from '../../src/contract/block-ranges.ts';
import { ORPHAN_ANNOTATION } from '../../src/contract/names.ts';
import type { NodeMemory, NodeMemorySpec, ObjectMeta } from '../../src/contract/resources.ts';
import { BlockDiscovery } from '../../src/controller/block-discovery.ts';
import { DISCOVERED_BLOCKS_MAX } from '../../src/controller/discover-blocks.ts';
import { blockOf, NODE, nodeMemoryOf } from '../support/block-fixtures.ts';
import { ControllerStage } from '../support/controller-stage.ts';
import type { FakeCluster } from '../support/fake-cluster.ts';

/** Asked for by a user, and far from all that is discovered. */
const MINE = blockOf({ blockId: 9_000, state: 'online' }, { state: 'online', zone: 'Normal' });
const OWNED = [{ apiVersion: 'v1', kind: 'Node', name: NODE, uid: 'uid-node' }];

function nodeWith(
  discovery: NodeMemorySpec['discovery'],
  range: string,
  metadata: Partial<ObjectMeta> = {},
): NodeMemory {
  const node = nodeMemoryOf(undefined, undefined, { resourceVersion: '7', ...metadata });
  const blocks = [{ range, state: 'offline' }] as const;
  return { ...node, spec: discovery ? { discovery } : {}, status: { ...node.status, blocks } };
}

describe('MemoryBlocks of discovered blocks', () => {
  let stage: ControllerStage;
  let cluster: FakeCluster;

  beforeEach(() => {
    stage = new ControllerStage();
    ({ cluster } = stage);
  });
  afterEach(() => stage.close());

  /** Ids of all MemoryBlocks but MINE. */
  const ids = (): string => {
    const all = [...cluster.blocks.values()].map(({ spec }) => spec.blockId);
    return formatBlockRanges(all.filter((blockId) => blockId !== MINE.spec.blockId));
  };

  async function run(node: NodeMemory, replicas = 1): Promise<void> {
    cluster.nodeMemories.set(NODE, node);
    await stage.run(MINE, replicas);
  }

  /** The NodeMemory is `node` from now on, and all controllers hear of it. */
  async function become(node: NodeMemory): Promise<void> {
    cluster.nodeMemories.set(NODE, node);
    for (const controller of stage.controllers) controller.nodeMemoryChanged(node, 'update');
    await stage.settle();
  }

  async function deleteBlock(blockId: number): Promise<void> {
    const name = `${NODE}-memory${String(blockId)}`;
    cluster.put({ ...cluster.block(name), metadata: { ...cluster.block(name).metadata, finalizers: [] } });
    cluster.delete(name);
    await stage.settle();
  }

  it('are created at the start and as blocks come, and told of once each time', async () => {
    await run(nodeWith('All', '0-19'));
    assert.equal(ids(), '0-19');
    assert.deepEqual(stage.ready(`${NODE}-memory3`).slice(0, 2), ['True', 'ObserveOnly']);
    await become(nodeWith('All', '0-21', { resourceVersion: '8' }));
    assert.equal(ids(), '0-21');
    assert.deepEqual(
      cluster.nodeEvents.map(({ reason, note }) => [reason, note]),
      [
        ['BlocksDiscovered', '20 MemoryBlocks created, as discovery is All: memory blocks 0-19'],
        ['BlocksDiscovered', '2 MemoryBlocks created, as discovery is All: memory blocks 20-21'],
      ],
    );
    assert.deepEqual(stage.operations.started, [], 'nothing is asked for');
  });

  it('are not created where discovery is None, and stay when it becomes None', async () => {
    await run(nodeWith('None', '0-3'));
    assert.equal(ids(), '');
    await become(nodeWith('Removable', '0-3'));
    assert.equal(ids(), '0-3');
    await become(nodeWith('None', '0-5'));
    assert.equal(ids(), '0-3');
  });

  it('leave what a user has asked for as it is', async () => {
    cluster.put(blockOf({ blockId: 2, state: 'offline', deletionPolicy: 'Remove' }, { state: 'offline' }));
    await run(nodeWith('All', '1-3'));
    const { spec, metadata } = cluster.block(`${NODE}-memory2`);
    assert.deepEqual([spec.state, spec.deletionPolicy, metadata.labels], ['offline', 'Remove', undefined]);
    assert.equal(cluster.creates.length, 2);
  });

  it('come back when they are deleted, but not in a race', async () => {
    await run(nodeWith('All', '0-1'));
    for (let round = 0; round < 20; round++) {
      if (cluster.blocks.has(`${NODE}-memory1`)) await deleteBlock(1);
      await stage.pass(500);
    }
    assert.ok(cluster.creates.length <= 2 + 2, `${String(cluster.creates.length)} creates in 10 s`);
    await stage.pass(5_000);
    assert.equal(ids(), '0-1');
  });

  it('do not come back as discovery became None meanwhile, or the block has gone', async () => {
    await run(nodeWith('All', '0-3'));
    await deleteBlock(1);
    await deleteBlock(3);
    cluster.nodeMemories.set(NODE, nodeWith('All', '0-2'));
    await stage.pass(5_000);
    assert.equal(ids(), '0-2');
    await deleteBlock(0);
    cluster.nodeMemories.set(NODE, nodeWith('None', '0-2'));
    await stage.pass(5_000);
    assert.equal(ids(), '1-2');
  });

  it('an object that is let go without its memory comes back as one that is only observed', async () => {
    await run(nodeWith('All', '0'));
    const name = `${NODE}-memory0`;
    const { spec, metadata } = cluster.block(name);
    const annotations = { [ORPHAN_ANNOTATION]: 'ticket 4711' };
    cluster.put({ ...cluster.block(name), spec: { ...spec, state: 'online', deletionPolicy: 'Remove' }, metadata });
    await stage.settle();
    cluster.put({ ...cluster.block(name), metadata: { ...cluster.block(name).metadata, annotations } });
    cluster.delete(name);
    await stage.settle();
    assert.equal(ids(), '');
    await stage.pass(5_000);
    assert.deepEqual([cluster.block(name).spec.state, cluster.block(name).spec.deletionPolicy], [undefined, 'Retain']);
  });

  it('that are deleted come back no sooner because the node reports something', async () => {
    await run(nodeWith('All', '0-3'));
    await deleteBlock(2);
    for (let report = 0; report < 4; report++) {
      await stage.pass(1_000);
      await become(nodeWith('All', '0-3', { resourceVersion: String(10 + report) }));
      assert.equal(ids(), '0-1,3');
    }
    await deleteBlock(3);
    await stage.pass(1_000);
    assert.equal(ids(), '0-3', 'nor later, because of another deletion');
  });

  it('are no more than a node may have: those count, too, that it reports no longer', async () => {
    await run(nodeWith('None', '0-3'));
    const { clock } = stage;
    const others = Array.from({ length: DISCOVERED_BLOCKS_MAX - 3 }, (_, index) => blockOf({ blockId: 1_000 + index }));
    const elsewhere = blockOf({ nodeName: 'worker-2' });
    const { blocks } = cluster.caches;
    const caches = {
      ...cluster.caches,
      blocks: { ...blocks, list: () => [...others, elsewhere, ...blocks.list()] },
    };
    const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
    const discovery = new BlockDiscovery({ caches, cluster, clock, log, random: () => 0 });
    for (const range of ['0-3', '4-7']) {
      cluster.nodeMemories.set(NODE, nodeWith('All', range));
      await discovery.look(NODE);
      assert.equal(ids(), '0-1');
    }
  });

  it('are not created for a node that is gone', async () => {
    await run(nodeWith('All', '0-3', { ownerReferences: OWNED }));
    assert.equal(ids(), '');
    const node = { metadata: { name: NODE, uid: 'uid-node' } };
    cluster.nodes.set(NODE, node);
    stage.controllers[0]?.nodeChanged(node, 'add');
    await stage.settle();
    assert.equal(ids(), '0-3', 'a NodeMemory that is seen before its Node only has to wait for it');
  });

  it('are not created while the CRD is being deleted', async () => {
    cluster.crdTerminating = true;
    await run(nodeWith('All', '0-3'));
    assert.equal(ids(), '');
    cluster.crdTerminating = false;
    await stage.pass(60_000);
    assert.equal(ids(), '0-3');
  });

  it('that cannot be created are tried again, later and later; what was created is not created again', async () => {
    cluster.createError = new Error('the server is overloaded');
    await run(nodeWith('All', '0-99'));
    await stage.pass(10_000);
    cluster.createError = undefined;
    assert.equal(ids(), '');
    const { requests } = cluster;
    assert.ok(requests < 200, `${String(requests)} requests while nothing could be created`);
    await stage.pass(30_000);
    assert.equal(ids(), '0-99');
    assert.equal(cluster.creates.length, 100);
  });

  it('cost about one request each, however many operators run', async () => {
    await run(nodeWith('All', '0-511'), 2);
    await stage.pass(1_000);
    assert.equal(ids(), '0-511');
    assert.ok(cluster.creates.length <= 512 + 16, `${String(cluster.creates.length)} creates`);
    const told = cluster.nodeEvents.map(({ note }) => Number(/^\d+/.exec(note)?.[0]));
    assert.equal(
      told.reduce((sum, count) => sum + count, 0),
      512,
      'each is told by who created it',
    );
  });

  it('cost no request once they are there', async () => {
    await run(nodeWith('All', '0-99'));
    await stage.pass(60_000);
    const { requests } = cluster;
    await become({
      ...nodeWith('All', '0-99'),
      metadata: { name: NODE, uid: 'uid-node-memory', resourceVersion: '9' },
    });
    assert.equal(cluster.requests, requests);
  });
});
