/** A Node leaves the cluster: its NodeMemory goes with it by garbage collection, and its blocks can be deleted at once. */
import assert from 'node:assert/strict';
import { NODES } from '../../src/k8s/resource-kind.ts';
import { ONE_OPERATION_LAYOUT } from '../support/ended-once.ts';
import { openE2eStage, type E2eStage } from '../support/e2e-stage.ts';
import { eventually } from '../support/eventually.ts';

const NODE = 'sim-leaving';

describe('a Node that is deleted', function () {
  this.timeout(60_000);
  let stage: E2eStage;

  before(async function () {
    this.timeout(240_000);
    stage = await openE2eStage();
    await stage.kubectl.succeed(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } });
    const uid = await stage.kubectl.succeed(['get', 'node', NODE, '-o', 'jsonpath={.metadata.uid}']);
    const owner = { apiVersion: NODES.apiVersion, kind: NODES.kind, name: NODE, uid };
    await stage.createNode(NODE, { simulated: ONE_OPERATION_LAYOUT });
    const patch = JSON.stringify({ metadata: { ownerReferences: [owner] } });
    await stage.kubectl.succeed(['patch', 'nmem', NODE, '--type=merge', '-p', patch]);
  });

  it('leaves blocks that say so, and that a deletion does not wait for', async () => {
    const block = await stage.applyBlock({
      nodeName: NODE,
      blockId: 8,
      state: 'online',
      deletionPolicy: 'Remove',
    });
    await stage.waitReady(block);
    await stage.kubectl.succeed(['delete', 'node', NODE]);
    await eventually('the NodeMemory was collected', async () => (await stage.node(NODE)) === undefined, {
      limitMs: 40_000,
    });
    await stage.untilReason(block, 'NodeGone');
    await stage.kubectl.succeed(['delete', 'mb', block, '--timeout=20s']);
    assert.equal(await stage.block(block), undefined);
    assert.deepEqual(await stage.effectsOf(NODE, 8), ['pages-online'], 'nothing was operated on a node that is gone');
  });
});
