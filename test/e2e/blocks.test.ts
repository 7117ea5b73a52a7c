/** Memory goes online and offline: on a simulated node, and on a node that is a copied tree of /sys. Only pods do the work. */
import assert from 'node:assert/strict';
import { assertEndedOnce, ONE_OPERATION_LAYOUT } from '../support/ended-once.ts';
import { openE2eStage, type E2eStage } from '../support/e2e-stage.ts';
import { eventually } from '../support/eventually.ts';

const SIMULATED = 'sim-blocks';
/** Of the copied tree: offline to begin with. */
const OFFLINE_BLOCK = 8;
const MOVABLE_BLOCK = 7;

describe('memory of a node, by pods alone', function () {
  this.timeout(60_000);
  let stage: E2eStage;

  before(async function () {
    this.timeout(240_000);
    stage = await openE2eStage();
  });

  it('a block that is not there is added and brought online, and taken away when its object is deleted', async () => {
    await stage.createNode(SIMULATED);
    const spec = { nodeName: SIMULATED, blockId: 9, state: 'online_movable', deletionPolicy: 'Remove' } as const;
    const block = await stage.applyBlock(spec);
    await stage.waitReady(block);
    await stage.kubectl.succeed(['delete', 'mb', block, '--timeout=30s']);
    assert.deepEqual(await stage.effectsOf(SIMULATED, 9), ['created', 'pages-online', 'pages-offline', 'removed']);
  });

  it('an operation ends once, with one run and one effect', async () => {
    const node = await stage.createNode('sim-once', { simulated: ONE_OPERATION_LAYOUT });
    await stage.applyBlock({ nodeName: node, blockId: 8, state: 'online' });
    await assertEndedOnce(stage, { node, blockId: 8, operation: 'online' });
  });

  it('the agent of the real node tells what its tree says', async () => {
    const node = await eventually('the NodeMemory of the node', () => stage.node(stage.nodeName));
    assert.equal(node.status?.driver, 'sysfs');
    assert.equal(node.metadata.ownerReferences?.[0]?.kind, 'Node');
    assert.deepEqual(node.status.capabilities, { add: false, remove: false, online: true, offline: true });
  });

  it('a block of the tree comes online, and the file says so', async () => {
    const block = await stage.applyBlock({
      nodeName: stage.nodeName,
      blockId: OFFLINE_BLOCK,
      state: 'online_movable',
    });
    await stage.waitReady(block);
    assert.match(await stage.treeState(OFFLINE_BLOCK), /^online/);
  });

  it('a block of the tree goes offline, and what happens to it by hand is seen', async () => {
    const block = await stage.applyBlock({ nodeName: stage.nodeName, blockId: MOVABLE_BLOCK, state: 'offline' });
    await stage.waitReady(block);
    assert.equal(await stage.treeState(MOVABLE_BLOCK), 'offline');
    await stage.writeTreeState(MOVABLE_BLOCK, 'online');
    const { conditions } = await stage.untilReason(block, 'Drifted');
    assert.equal(conditions?.find(({ type }) => type === 'Online')?.status, 'True');
    await stage.editBlock(block, { driftPolicy: 'Correct' });
    await stage.waitReady(block);
    assert.equal(await stage.treeState(MOVABLE_BLOCK), 'offline');
  });

  it('memory that is not plugged in is not made up', async () => {
    const block = await stage.applyBlock({ nodeName: stage.nodeName, blockId: 100, state: 'online' });
    await stage.untilReason(block, 'AddNotSupported');
  });
});
