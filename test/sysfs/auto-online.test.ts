/** auto_online_blocks: told, set when asked, and left alone otherwise. */
import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { SysfsNode } from '../support/sysfs-node.ts';

describe('a real node that onlines memory by itself', function () {
  this.timeout(60_000);
  let stage: OperatorStage;
  let node: SysfsNode;

  before(async () => {
    stage = await openOperatorStage();
    node = await SysfsNode.start(stage, 'real-auto-online', { autoOnlineBlocks: 'online_movable' });
  });
  after(() => node.remove());

  const setting = (): string => node.tree.readFile('auto_online_blocks');
  const ask = async (autoOnline: string | null): Promise<void> => {
    const patch = JSON.stringify({ spec: { autoOnline } });
    await stage.kubectl.succeed(['patch', `nmem/${node.name}`, '--type=merge', '-p', patch]);
  };
  const untilSet = (value: string) => eventually(`auto_online_blocks is ${value}`, () => setting() === value);

  it('says so in NotifiersBypassed, and is left as it is', async () => {
    const { status, message } = await node.untilCondition('NotifiersBypassed', 'KernelOnlines');
    assert.equal(status, 'True');
    assert.match(message, /online_movable.*spec\.autoOnline: offline/);
    assert.equal(setting(), 'online_movable');
  });

  it('is set when asked, and again when somebody changes it by hand', async () => {
    await ask('offline');
    await untilSet('offline');
    assert.equal((await node.untilCondition('NotifiersBypassed', 'KernelLeavesOffline')).status, 'False');
    node.tree.writeFile('auto_online_blocks', 'online');
    await untilSet('offline');
  });

  it('is left alone again when nobody asks any more, and told within seconds when somebody else changes it', async () => {
    await ask(null);
    await eventually('the agent has seen it', async () => (await stage.node(node.name))?.spec.autoOnline === undefined);
    node.tree.writeFile('auto_online_blocks', 'online_kernel');
    const { message } = await node.untilCondition('NotifiersBypassed', 'KernelOnlines');
    assert.match(message, /online_kernel/);
    assert.equal(setting(), 'online_kernel');
  });
});
