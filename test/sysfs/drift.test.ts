/** Somebody writes to sysfs by hand: seen within seconds, told in an event, put right only where that is asked for. */
import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { readyOf } from '../support/simulated-cluster.ts';
import { SysfsNode } from '../support/sysfs-node.ts';

/** "Within seconds". */
const SEEN_LIMIT_MS = 5_000;

describe('a real node that is changed by hand', function () {
  this.timeout(60_000);
  let stage: OperatorStage;
  let node: SysfsNode;

  before(async () => {
    stage = await openOperatorStage();
    node = await SysfsNode.start(stage, 'real-by-hand');
  });
  after(() => node.remove());

  it('shows it in the status, of a block that nobody has asked anything of too', async () => {
    const name = await stage.applyBlock({ nodeName: node.name, blockId: 3 });
    await stage.untilBlock(name, 'observed', ({ status }) => status?.state === 'online');
    node.tree.write(3, 'offline');
    const limit = { limitMs: SEEN_LIMIT_MS };
    await stage.untilBlock(name, 'offline', ({ status }) => status?.state === 'offline', limit);
    await eventually(
      'the node counts it',
      async () => (await stage.node(node.name))?.status?.offline === '384Mi',
      limit,
    );
    assert.equal(node.tree.read(3), 'offline');
  });

  it('with Report tells it in an event, and leaves the block alone', async () => {
    const name = await stage.applyBlock({ nodeName: node.name, blockId: 4, state: 'online' });
    await stage.waitReady(name);
    node.tree.write(4, 'offline');
    const status = await stage.untilReason(name, 'Drifted', { limitMs: SEEN_LIMIT_MS });
    assert.deepEqual([readyOf(status)?.status, status.state], ['False', 'offline']);
    await eventually('an event', async () => (await stage.events(name)).some(({ reason }) => reason === 'Drifted'));
    assert.deepEqual(await stage.operations(`MemoryBlock="${name}"`), [], 'no operation');
    assert.equal(node.tree.read(4), 'offline');
    node.tree.write(4, 'online');
    await stage.waitReady(name);
  });

  it('with Correct puts it right', async () => {
    const name = await stage.applyBlock({ nodeName: node.name, blockId: 5, state: 'online', driftPolicy: 'Correct' });
    await stage.waitReady(name);
    node.tree.write(5, 'offline');
    await stage.untilBlock(name, 'an online by the operator', ({ status }) => status?.lastOperation?.type === 'online');
    await stage.waitReady(name);
    assert.equal(node.tree.read(5), 'online');
  });

  it('writes no more to the cluster than what has changed', async () => {
    const versions = (): Promise<unknown[]> =>
      Promise.all(
        [3, 4].map(async (id) => (await stage.block(`${node.name}-memory${String(id)}`))?.metadata.resourceVersion),
      );
    const before = await versions();
    node.tree.write(7, 'online_movable');
    await eventually(
      'the agent has looked since',
      async () => (await stage.node(node.name))?.status?.offline === '256Mi',
    );
    assert.deepEqual(await versions(), before);
  });
});
