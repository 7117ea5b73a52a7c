/** A Node whose kubelet still reports the memory from before. */
import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';

const NODE = 'kubelet';

describe('the kubelet of a node whose memory changes', function () {
  this.timeout(60_000);
  let stage: OperatorStage;

  async function kubeletReports(memory: string): Promise<void> {
    const patch = JSON.stringify({ status: { capacity: { memory } } });
    await stage.kubectl.succeed(['patch', 'node', NODE, '--subresource=status', '--type=merge', '-p', patch]);
  }

  async function until(status: 'True' | 'False'): Promise<string> {
    return eventually(`KubeletCapacityStale=${status}`, async () => {
      const { conditions = [] } = (await stage.node(NODE))?.status ?? {};
      const found = conditions.find((condition) => condition.type === 'KubeletCapacityStale');
      assert.ok(
        conditions.some(({ type }) => type === 'AgentReady'),
        'the condition of the agent stays',
      );
      return found?.status === status && found.message;
    });
  }

  before(async () => {
    stage = await openOperatorStage();
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } };
    await stage.kubectl.succeed(['apply', '-f', '-'], JSON.stringify(node));
    await kubeletReports('1000Mi');
    await stage.createNode(NODE);
  });
  after(async () => {
    await stage.deleteNode(NODE);
    await stage.kubectl.run(['delete', '--ignore-not-found', `node/${NODE}`]);
  });

  it('is told in the NodeMemory, until the kubelet counts anew', async () => {
    assert.match(await until('False'), /the kubelet has reported 1000Mi since 1Gi is online/);
    await stage.applyBlock({ nodeName: NODE, blockId: 8, state: 'online' });
    await stage.waitReady(`${NODE}-memory8`);
    const message = await until('True');
    assert.match(message, /reports 1000Mi, as when 1Gi was online; now 1152Mi is: .* Restart the kubelet on kubelet/);
    await kubeletReports('1128Mi');
    await until('False');
    const { bootId, kubelet } = (await stage.node(NODE))?.status ?? {};
    assert.deepEqual(kubelet, { capacity: '1128Mi', online: '1152Mi', bootId });
  });

  it('is not told where there is no Node any more', async () => {
    await stage.kubectl.succeed(['delete', `node/${NODE}`]);
    await eventually('the condition is gone', async () => {
      const { kubelet, conditions = [] } = (await stage.node(NODE))?.status ?? {};
      return kubelet === undefined && !conditions.some(({ type }) => type === 'KubeletCapacityStale');
    });
  });
});
