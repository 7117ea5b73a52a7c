/** One agent per host, by one driver: who else comes waits, or says why it does not serve. */
import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { SysfsNode } from '../support/sysfs-node.ts';

describe('agents of a real node', function () {
  this.timeout(60_000);
  let stage: OperatorStage;
  const nodes: SysfsNode[] = [];

  before(async () => {
    stage = await openOperatorStage();
  });
  after(async () => {
    for (const node of nodes) await node.remove();
  });
  const started = <T extends SysfsNode>(node: T): T => {
    nodes.push(node);
    return node;
  };

  it('under two names on one host do not both serve it; the second takes over when the first is gone', async () => {
    const node = started(await SysfsNode.start(stage, 'real-twice'));
    const other = 'real-twice-renamed';
    await node.startAgent('second-name', other);
    const { status, message } = await node.untilCondition('AgentReady', 'WaitingForAgent', other);
    const first = stage.process(`${node.name}-agent`);
    assert.equal(status, 'False');
    assert.match(message, new RegExp(`\\(pid ${String(first.pid)}\\)`));
    assert.equal((await node.condition('AgentReady'))?.status, 'True');
    await first.kill();
    await node.untilServed(other);
    await stage.deleteNode(other);
  });

  it('do not serve a NodeMemory that is simulated; its own agent has the last word', async () => {
    const name = await stage.createNode('simulated-not-real');
    const node = started(SysfsNode.withoutAgent(stage, name));
    const before = node.tree.read(2);
    await node.startAgent();
    const refused = await eventually('it refuses', async () =>
      (await stage.log(`${name}-agent`)).find(({ message }) => message === 'node is not served'),
    );
    assert.match(String(refused['detail']), /spec\.simulated.*delete NodeMemory simulated-not-real/);
    await node.untilServed();
    assert.equal((await stage.node(name))?.status?.driver, 'simulated');
    const block = await stage.applyBlock({ nodeName: name, blockId: 7, state: 'offline' });
    await stage.waitReady(block);
    assert.deepEqual(await stage.effectsOf(name, 7), ['pages-offline']);
    assert.equal(node.tree.read(2), before);
  });

  it('serve it on when somebody tries to make it a simulated one, and make a real one anew when it is deleted', async () => {
    const name = 'stays-real';
    const node = started(await SysfsNode.start(stage, name));
    await node.untilServed();
    const { uid } = (await stage.node(name))!.metadata;
    const spec = JSON.stringify({ spec: { simulated: { blockSize: '128Mi' } } });
    const { stderr } = await stage.kubectl.run(['patch', `nmem/${name}`, '--type=merge', '-p', spec]);
    assert.match(stderr, /this node has been a real one; delete its NodeMemory first/);
    await node.untilServed();
    await stage.kubectl.succeed(['delete', `nmem/${name}`]);
    await eventually('another one was made', async () => {
      const { metadata, status } = (await stage.node(name)) ?? {};
      return metadata !== undefined && metadata.uid !== uid && status?.driver === 'sysfs';
    });
  });
});
