/** While a remediation holds the Lease of the node its memory stays; while memory goes, the Lease is ours. */
import assert from 'node:assert/strict';
import type { V1Lease } from '@kubernetes/client-node';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';

const NODE = 'remediated';
const NAME = `${NODE}-memory7`;
const NAMESPACE = 'medik8s-leases';
const LEASE = ['lease', `node-${NODE}`, '-n', NAMESPACE];
const NOTIFIER = { blockSelector: { matchLabels: { test: NODE } }, plugin: { name: 'node-lease' } };

/** As medik8s writes it. */
function leaseOf(holderIdentity: string, renewTime: Date, uid: string): object {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: `node-${NODE}`,
      namespace: NAMESPACE,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: NODE, uid }],
    },
    spec: {
      holderIdentity,
      leaseDurationSeconds: 3600,
      renewTime: renewTime.toISOString().replace('Z', '000Z'),
      leaseTransitions: 4,
    },
  };
}

describe('node-lease', function () {
  this.timeout(60_000);
  let stage: OperatorStage;
  let uid: string;

  before(async () => {
    stage = await openOperatorStage();
    await stage.applyNotifier('leased', NOTIFIER);
    await stage.kubectl.succeed(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } });
    uid = await stage.kubectl.succeed(['get', 'node', NODE, '-o', 'jsonpath={.metadata.uid}']);
    await stage.createNode(NODE);
  });
  after(async () => {
    await stage.kubectl.succeed(['delete', 'mnot/leased', '--ignore-not-found']);
    await stage.deleteNode(NODE);
    await stage.kubectl.succeed(['delete', 'node', NODE, '--ignore-not-found']);
    await stage.kubectl.succeed(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait=false']);
  });

  it('says what to do while there is no namespace for Leases', async () => {
    await stage.applyBlock({ nodeName: NODE, blockId: 7, state: 'offline', labels: { test: NODE } });
    const { lastOperation } = await stage.untilReason(NAME, 'Deferred');
    assert.equal(lastOperation?.errno, 'ENOENT');
    assert.match(lastOperation.message, /kubectl create namespace medik8s-leases/);
  });

  it('keeps the memory as it is while somebody else holds the Lease, and names the holder', async () => {
    await stage.kubectl.succeed(['create', 'namespace', NAMESPACE]);
    await stage.kubectl.succeed(['apply', '-f', '-'], leaseOf('node-maintenance', new Date(), uid));
    await stage.applyNotifier('leased', { ...NOTIFIER, priority: 1 }); // a change makes it look again
    const { lastOperation, state } = await stage.untilBlock(NAME, 'vetoed for the Lease', ({ status }) =>
      status?.lastOperation?.message.includes('is held by node-maintenance'),
    );
    assert.deepEqual([lastOperation?.errno, state], ['EBUSY', 'online']);
  });

  it('takes the Lease when it has run out, and gives it back', async () => {
    await stage.kubectl.succeed(['apply', '-f', '-'], leaseOf('node-maintenance', new Date(0), uid));
    await stage.applyNotifier('leased', { ...NOTIFIER, priority: 2 });
    await stage.waitReady(NAME);
    assert.equal((await stage.blockStatus(NAME)).state, 'offline');
    const lease = JSON.parse(await stage.kubectl.succeed(['get', ...LEASE, '-o', 'json'])) as V1Lease;
    assert.deepEqual(lease.spec, { leaseTransitions: 5 }, 'it has been ours, and is nobody’s');
    assert.deepEqual(await stage.effectsOf(NODE, 7), ['pages-offline']);
  });
});
