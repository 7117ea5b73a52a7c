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

  it('writes nothing to the cluster while nothing changes', async () => {
    const versions = async (): Promise<unknown[]> => {
      const block = await stage.block(`${node.name}-memory3`);
      return [(await stage.node(node.name))?.metadata.resourceVersion, block?.metadata.resourceVersion];
    };
    const before = await versions();
    // A change of another file shows that the agent has looked since.
    const { name } = node;
    await stage.applyBlock({ nodeName: name, blockId: 2 });
    await stage.untilBlock(`${name}-memory2`, 'observed', ({ status }) => status?.state === 'online');
    assert.deepEqual(await versions(), before);
  });
});
