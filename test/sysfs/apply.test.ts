/** kubectl apply changes the memory of a real node: of a copied tree, with the real agent process. */
import assert from 'node:assert/strict';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { readyOf } from '../support/simulated-cluster.ts';
import { SysfsNode } from '../support/sysfs-node.ts';

describe('a real node', function () {
  this.timeout(60_000);
  let stage: OperatorStage;
  let node: SysfsNode;

  before(async () => {
    stage = await openOperatorStage();
    const object = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'real-node' } };
    await stage.kubectl.succeed(['create', '-f', '-'], object);
    node = await SysfsNode.start(stage, 'real-node');
  });
  after(async () => {
    await node.remove();
    await stage.kubectl.succeed(['delete', 'node/real-node']);
  });

  it('has a NodeMemory that belongs to its Node object', async () => {
    const { metadata } = (await stage.node(node.name)) ?? {};
    const uid = await stage.kubectl.succeed(['get', 'node/real-node', '-o', 'jsonpath={.metadata.uid}']);
    assert.deepEqual(
      metadata?.ownerReferences?.map((owner) => [owner.kind, owner.name, owner.uid]),
      [['Node', 'real-node', uid]],
    );
  });

  it('shows what it has, by which driver, and what that can do', async () => {
    const { spec, status } = (await stage.node(node.name)) ?? {};
    assert.equal(spec?.simulated, undefined);
    assert.deepEqual(
      [status?.driver, status?.blockSize, status?.online, status?.offline],
      ['sysfs', '128Mi', '768Mi', '256Mi'],
    );
    assert.deepEqual(status?.blocks, [
      { range: '0-1', state: 'online', zone: 'Normal' },
      { range: '2-5', state: 'online', zone: 'Movable' },
      { range: '6-7', state: 'offline' },
    ]);
    assert.deepEqual(status.capabilities, { add: false, remove: false, online: true, offline: true });
  });

  it('brings a block online as it was asked, and offline again', async () => {
    const name = await stage.applyBlock({ nodeName: node.name, blockId: 6, state: 'online_movable' });
    await stage.waitReady(name);
    assert.equal(node.tree.read(6), 'online_movable');
    const online = await stage.blockStatus(name);
    assert.deepEqual([online.state, online.zone, online.lastOperation?.result], ['online', 'Movable', 'Succeeded']);
    await stage.editBlock(name, { state: 'offline' });
    await stage.untilBlock(
      name,
      'offline',
      ({ status }) => status?.state === 'offline' && readyOf(status)?.status === 'True',
    );
    assert.equal(node.tree.read(6), 'offline');
  });

  it('says that memory cannot be added where the kernel has no probe file', async () => {
    const name = await stage.applyBlock({ nodeName: node.name, blockId: 40, state: 'online' });
    const status = await stage.untilReason(name, 'AddNotSupported');
    assert.deepEqual([status.state, readyOf(status)?.status], ['absent', 'False']);
  });

  it('deletion with Remove ends after offline where memory cannot be taken out, and an event says so', async () => {
    const name = await stage.applyBlock({
      nodeName: node.name,
      blockId: 5,
      state: 'online_movable',
      deletionPolicy: 'Remove',
    });
    await stage.waitReady(name);
    await stage.kubectl.succeed(['delete', `mb/${name}`, '--wait=false']);
    await stage.untilGone(name);
    assert.equal(node.tree.read(5), 'offline');
    const events = (await stage.events(name)).map(({ reason }) => reason);
    assert.ok(events.includes('RemoveNotSupported'), events.join(' '));
  });

  it('deletion with Retain touches nothing', async () => {
    const name = await stage.applyBlock({ nodeName: node.name, blockId: 4, state: 'online_movable' });
    await stage.waitReady(name);
    await stage.kubectl.succeed(['delete', `mb/${name}`, '--wait=false']);
    await stage.untilGone(name);
    assert.equal(node.tree.read(4), 'online');
  });
});
