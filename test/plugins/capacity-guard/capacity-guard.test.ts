import assert from 'node:assert/strict';
import { MEMORY_ACTIONS } from '../../../src/kernel/memory-action.ts';
import { plugin } from '../../../src/plugins/capacity-guard/capacity-guard.ts';
import type { ClusterReader } from '../../../src/plugins/cluster-reader.ts';
import type { PluginContext } from '../../../src/plugins/define-plugin.ts';
import { noLeases } from '../../../src/plugins/node-leases.ts';
import { memoryNotify } from '../../support/notifier-call.ts';

const ignore = () => undefined;
const container = { requestBytes: 2 ** 30 };
const CLUSTER: ClusterReader = {
  node: (name) => Promise.resolve({ name, capacityBytes: 2 ** 31, allocatableBytes: 2 ** 31 }),
  podsOnNode: () =>
    Promise.resolve([
      { namespace: 'shop', name: 'db-0', containers: [container], initContainers: [], overheadBytes: 0 },
    ]),
  nodeMemoryOnlineBytes: () => Promise.resolve(undefined),
};

function contextOf(cluster: ClusterReader): PluginContext {
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  return { signal: AbortSignal.any([]), log, cluster, leases: noLeases('not used') };
}

describe('capacity-guard', () => {
  it('reads the cluster for MEM_GOING_OFFLINE only', async () => {
    const refuse = () => Promise.reject(new Error('read'));
    const context = contextOf({ node: refuse, podsOnNode: refuse, nodeMemoryOnlineBytes: refuse });
    for (const action of MEMORY_ACTIONS) {
      const answer = (async () => plugin.notify(memoryNotify({ action }), {}, context))();
      if (action === 'MEM_GOING_OFFLINE') await assert.rejects(answer, /read/);
      else assert.deepEqual(await answer, { result: 'NOTIFY_DONE' });
    }
  });

  it('decides by the size of the block and by its configured reserve', async () => {
    const event = memoryNotify({ sizeBytes: 2 ** 30 });
    const free = await plugin.notify(event, {}, contextOf(CLUSTER));
    const reserved = await plugin.notify(event, { reserve: '1Mi' }, contextOf(CLUSTER));
    assert.equal(free.result, 'NOTIFY_OK');
    assert.ok(reserved.result === 'NOTIFY_BAD' && reserved.reason?.includes('shop/db-0'));
  });
});
