import assert from 'node:assert/strict';
import { UnservedNodes } from '../../src/agent/unserved-nodes.ts';
import type { Condition, NodeMemory, NodeMemoryStatus } from '../../src/contract/resources.ts';
import { SILENT_LOGGER } from '../support/simulated-driver.ts';

const since = '2020-01-01T00:00:00Z';
const SERVED: Condition = {
  type: 'AgentReady',
  status: 'True',
  reason: 'Serving',
  message: 'm',
  lastTransitionTime: since,
};
const STALE: Condition = {
  type: 'KubeletCapacityStale',
  status: 'True',
  reason: 'r',
  message: 'm',
  lastTransitionTime: since,
};
const node = (status?: NodeMemoryStatus): NodeMemory => ({
  metadata: { name: 'worker-1' },
  spec: {},
  ...(status ? { status } : {}),
});

describe('nodes that are not served', () => {
  let written: NodeMemoryStatus[];
  let unserved: UnservedNodes;
  beforeEach(() => {
    written = [];
    const writeNode = (_name: string, status: object): Promise<void> => {
      written.push(status);
      return Promise.resolve();
    };
    unserved = new UnservedNodes({ writeNode, writeBlock: () => Promise.reject(new Error('no block')) }, SILENT_LOGGER);
  });
  const readiness = (): (string | undefined)[] =>
    written.flatMap(({ conditions = [] }) => conditions.map(({ type, reason }) => `${type} ${reason}`));

  it('say why, and keep what the agent has said besides; conditions of others are left to them', async () => {
    await unserved.tell(node({ bootId: 'b', fencingEpoch: 3, conditions: [SERVED, STALE] }), 'InvalidSpec', 'why');
    const [status] = written;
    assert.deepEqual([status?.bootId, status?.fencingEpoch], ['b', 3]);
    assert.deepEqual(readiness(), ['AgentReady InvalidSpec']);
  });

  it('are not written again while they say so already', async () => {
    await unserved.tell(node(), 'InvalidSpec', 'why');
    await unserved.tell(node(written[0]), 'InvalidSpec', 'why');
    assert.equal(written.length, 1);
  });

  it('say once that the driver does not fit: an agent that serves the node contradicts, and has the last word', async () => {
    await unserved.tellOnce(node(), 'DriverMismatch', 'why');
    await unserved.tellOnce(node({ conditions: [SERVED] }), 'DriverMismatch', 'why');
    assert.equal(written.length, 1);
    unserved.forget('worker-1');
    await unserved.tellOnce(node(), 'DriverMismatch', 'why');
    assert.equal(written.length, 2);
  });

  it('that wait for another agent say so only where nobody serves the node', async () => {
    await unserved.tellWaiting(node({ conditions: [SERVED] }), 'memhp (pid 1)');
    assert.deepEqual(written, []);
    await unserved.tellWaiting(node(), 'memhp (pid 1)');
    assert.deepEqual(readiness(), ['AgentReady WaitingForAgent']);
  });
});
