import assert from 'node:assert/strict';
import { KubeConfig } from '@kubernetes/client-node';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { NodeMemory } from '../../src/contract/resources.ts';
import type { NodeObject } from '../../src/controller/cluster.ts';
import { createLockServiceActivities } from '../../src/operator/lock-service-activities.ts';

const OWNED = [{ apiVersion: 'v1', kind: 'Node', name: 'worker-1', uid: 'node-uid' }];

function nodeMemory(bootId: string, isOwned = true, status: NodeMemory['status'] = {}): NodeMemory {
  const metadata = { name: 'worker-1', ...(isOwned ? { ownerReferences: OWNED } : {}) };
  return { metadata, spec: {}, status: { driver: 'sysfs', bootId, ...status } };
}

/** Of which boots agent and kubelet have told both. */
function seenBoth(bootId: string): NodeMemory['status'] {
  return { kubelet: { capacity: '1000Mi', online: '1Gi', bootId } };
}

function node(bootID: string, uid = 'node-uid'): NodeObject {
  return { metadata: { name: 'worker-1', uid }, status: { nodeInfo: { bootID } } };
}

/** What the server says of each run: the name of a status, or nothing. */
function clientThatKnows(statuses: Readonly<Record<string, string>>): Client {
  const describe = (workflowId: string, runId: string) => {
    const name = statuses[runId];
    if (name === undefined) return Promise.reject(new WorkflowNotFoundError('not found', workflowId, runId));
    return Promise.resolve({ status: { name } });
  };
  const getHandle = (workflowId: string, runId: string) => ({ describe: () => describe(workflowId, runId) });
  return { workflow: { getHandle } } as unknown as Client;
}

function activities(client: Client, memory?: NodeMemory, object?: NodeObject) {
  const cluster = { readNodeMemory: () => Promise.resolve(memory), readNode: () => Promise.resolve(object) };
  const events = { reportLockdep: () => Promise.resolve(), auditLockRelease: () => Promise.resolve() };
  return createLockServiceActivities({ kubeConfig: new KubeConfig(), client, cluster, events });
}

describe('facts about the holders of locks', () => {
  const input = { cluster: 'c', node: 'worker-1', holders: [] };

  it('a run is closed when the server says so, or does not know it', async () => {
    const statuses = { running: 'RUNNING', done: 'COMPLETED', killed: 'TERMINATED', renewed: 'CONTINUED_AS_NEW' };
    const holders = [...Object.keys(statuses), 'forgotten'].map((runId) => ({ workflowId: 'w', runId }));
    const { closed } = await activities(clientThatKnows(statuses), nodeMemory('b')).describeHolders({
      ...input,
      holders,
    });
    assert.deepEqual(closed, ['done', 'killed', 'renewed', 'forgotten']);
  });

  it('a server that cannot be reached says nothing', async () => {
    const getHandle = () => ({ describe: () => Promise.reject(new Error('unavailable')) });
    const client = { workflow: { getHandle } } as unknown as Client;
    const asked = activities(client, nodeMemory('b')).describeHolders({
      ...input,
      holders: [{ workflowId: 'w', runId: 'r' }],
    });
    await assert.rejects(asked, /unavailable/);
  });

  for (const [what, memory, object, why] of [
    ['the same boot', nodeMemory('b1'), node('b1'), undefined],
    [
      'another boot than agent and kubelet have told of',
      nodeMemory('b1', true, seenBoth('b1')),
      node('b2'),
      /booted again/,
    ],
    ['a kubelet that is behind after a boot', nodeMemory('b2', true, seenBoth('b1')), node('b1'), undefined],
    ['a kubelet that has never told of the same boot as the agent', nodeMemory('b1'), node('b2'), undefined],
    ['a Node that was deleted', nodeMemory('b1', true, seenBoth('b1')), undefined, /was deleted/],
    ['a Node that was deleted and registered again', nodeMemory('b1'), node('b1', 'another-uid'), undefined],
    [
      'a Node replaced by another machine',
      nodeMemory('b1', true, seenBoth('b1')),
      node('b2', 'another-uid'),
      /booted again/,
    ],
    ['a Node without a NodeMemory of its own yet', nodeMemory('b1', false), node('b1'), undefined],
    ['a NodeMemory whose agent has not reported', { metadata: { name: 'worker-1' }, spec: {} }, node('b1'), undefined],
    ['a Node and a NodeMemory that are both gone', undefined, undefined, /no NodeMemory/],
    ['a node without a Node object', nodeMemory('b1', false), undefined, undefined],
    [
      'a simulated node that has the name of a real one',
      nodeMemory('b1', true, { ...seenBoth('b1'), driver: 'simulated' }),
      node('b2'),
      undefined,
    ],
    ['a NodeMemory that was deleted, and a Node that is there', undefined, node('b1'), undefined],
  ] as const) {
    it(`${what}: ${why ? 'nothing can be in progress there' : 'nothing is known'}`, async () => {
      const { nodeIsOver } = await activities(clientThatKnows({}), memory, object).describeHolders(input);
      if (why) assert.match(nodeIsOver ?? '', why);
      else assert.equal(nodeIsOver, undefined);
    });
  }
});
