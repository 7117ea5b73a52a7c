import assert from 'node:assert/strict';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { openWorkflows, terminateAll, workflowIdsOf } from '../../src/temporal/end-open-workflows.ts';
import { blockOf } from '../support/block-fixtures.ts';

const NODES = [{ metadata: { name: 'worker-1' }, spec: {} }];

/** What the server knows (`statuses`), and what its visibility store shows, which may be something else. */
function serverWith(statuses: Record<string, string>, visible: readonly string[]): Client {
  const orNotFound = (workflowId: string): Promise<{ status: { name: string } }> => {
    const name = statuses[workflowId];
    if (name === undefined) return Promise.reject(new WorkflowNotFoundError('not found', workflowId, undefined));
    return Promise.resolve({ status: { name } });
  };
  const getHandle = (workflowId: string) => ({
    describe: () => orNotFound(workflowId),
    terminate: async () => {
      await orNotFound(workflowId);
      statuses[workflowId] = 'TERMINATED';
    },
  });
  const list = () => visible.map((workflowId) => ({ workflowId }));
  return { workflow: { getHandle, list } } as unknown as Client;
}

describe('ending the open workflows of a cluster', () => {
  const named = workflowIdsOf('c', { nodes: NODES, blocks: [blockOf({ nodeName: 'worker-1', blockId: 32 })] });

  it('finds those of its nodes and blocks by name, paused ones as well, whatever visibility shows', async () => {
    const statuses = {
      'c/nodelocks/worker-1': 'RUNNING',
      'c/offline-permits': 'PAUSED',
      'c/memoryblock/worker-1/32': 'RUNNING',
      'c/hold/worker-1/x': 'RUNNING',
      'c/memoryblock/worker-2/9': 'COMPLETED',
    };
    // A store that is behind: it shows one that has closed, and lacks those that began since.
    const client = serverWith(statuses, ['c/hold/worker-1/x', 'c/memoryblock/worker-2/9']);
    const open = await openWorkflows(client, 'c', named);
    assert.deepEqual(open, [
      'c/hold/worker-1/x',
      'c/memoryblock/worker-1/32',
      'c/nodelocks/worker-1',
      'c/offline-permits',
    ]);
    await terminateAll(client, open, 'test');
    assert.deepEqual(await openWorkflows(client, 'c', named), []);
  });

  it('passes by what closes meanwhile, and does not take a server that is away for one without workflows', async () => {
    await terminateAll(serverWith({}, []), named, 'test');
    const getHandle = () => ({ describe: () => Promise.reject(new Error('unavailable')) });
    const away = { workflow: { getHandle, list: () => [] } } as unknown as Client;
    await assert.rejects(openWorkflows(away, 'c', named), /unavailable/);
  });
});
