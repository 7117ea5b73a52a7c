/** Memory that pods were promised stays, and goes when they have gone. */
import assert from 'node:assert/strict';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';

const NODE = 'guarded';
const NAME = `${NODE}-memory7`;
const POD = 'memory-eater';

/** 1 GiB, all of it for pods: as large as the simulated node is. */
const MEMORY = { memory: '1Gi' };

describe('capacity-guard', function () {
  this.timeout(60_000);
  let stage: OperatorStage;

  before(async () => {
    stage = await openOperatorStage();
    const { kubectl } = stage;
    await kubectl.succeed(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } });
    const status = JSON.stringify({ status: { capacity: MEMORY, allocatable: MEMORY } });
    await kubectl.succeed(['patch', `node/${NODE}`, '--subresource=status', '--type=merge', '-p', status]);
    const requests = { memory: '900Mi' }; // 896 MiB stay without one block
    await kubectl.succeed(['apply', '-f', '-'], {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: POD, namespace: 'default' },
      spec: { nodeName: NODE, containers: [{ name: 'eater', image: 'none', resources: { requests } }] },
    });
    await stage.applyNotifier('guarded', {
      actions: ['MEM_GOING_OFFLINE'],
      blockSelector: { matchLabels: { test: NODE } },
      plugin: { name: 'capacity-guard' },
    });
    await stage.createNode(NODE);
  });
  after(async () => {
    await stage.kubectl.succeed(['delete', '--ignore-not-found', '--force', '--grace-period=0', `pod/${POD}`]);
    await stage.kubectl.succeed(['delete', '--ignore-not-found', `node/${NODE}`, 'mnot/guarded']);
    await stage.deleteNode(NODE);
  });

  it('keeps a block that is needed and names the pods', async () => {
    await stage.applyBlock({ nodeName: NODE, blockId: 7, state: 'offline', labels: { test: NODE } });
    const status = await stage.untilBlock(NAME, 'vetoed', (block) => block.status?.lastOperation?.result === 'Vetoed');
    assert.match(
      status.lastOperation!.message,
      /vetoed by guarded at MEM_GOING_OFFLINE .*without memory7 \(128Mi\).*default\/memory-eater 900Mi/,
    );
    assert.equal(status.state, 'online');
    const wide = await stage.kubectl.succeed(['get', 'mb', NAME, '-o', 'wide']);
    assert.match(wide, /default\/memory-eater/);
  });

  it('lets it go at the next try after the pod has gone', async () => {
    await stage.kubectl.succeed(['delete', '--force', '--grace-period=0', `pod/${POD}`]);
    await stage.waitReady(NAME);
    assert.equal((await stage.blockStatus(NAME)).state, 'offline');
    assert.deepEqual(await stage.effectsOf(NODE, 7), ['pages-offline']);
  });
});
