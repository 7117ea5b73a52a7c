import assert from 'node:assert/strict';
import { Registry } from 'prom-client';
import type { MemoryBlock, NodeMemory } from '../../src/contract/resources.ts';
import type { ObjectCache } from '../../src/controller/cluster.ts';
import { createObjectMetrics } from '../../src/operator/object-metrics.ts';
import { blockOf } from '../support/block-fixtures.ts';

class Objects<T extends { readonly metadata: { readonly name: string } }> implements ObjectCache<T> {
  readonly all: T[] = [];
  get = (name: string): T | undefined => this.all.find(({ metadata }) => metadata.name === name);
  list = (): readonly T[] => this.all;
}

const CONDITION = { lastTransitionTime: '2026-01-01T00:00:00Z', message: '' };

describe('metrics of objects', () => {
  let registry: Registry;
  let blocks: Objects<MemoryBlock>;
  let nodeMemories: Objects<NodeMemory>;

  beforeEach(() => {
    registry = new Registry();
    blocks = new Objects();
    nodeMemories = new Objects();
    createObjectMetrics(registry, { blocks, nodeMemories, notifiers: new Objects(), nodes: new Objects() });
  });

  async function series(name: string): Promise<readonly string[]> {
    const lines = (await registry.metrics()).split('\n');
    return lines.filter((line) => line.startsWith(`${name}{`)).sort();
  }

  it('count blocks by node and state; a series goes with its last block', async () => {
    blocks.all.push(
      blockOf({ blockId: 1 }, { state: 'online' }),
      blockOf({ blockId: 2 }, { state: 'online' }),
      blockOf({ blockId: 3 }, { state: 'offline' }),
      blockOf({ blockId: 4 }),
    );
    assert.deepEqual(await series('memhp_memoryblocks'), [
      'memhp_memoryblocks{node="worker-1",state="offline"} 1',
      'memhp_memoryblocks{node="worker-1",state="online"} 2',
      'memhp_memoryblocks{node="worker-1",state="unknown"} 1',
    ]);
    blocks.all.splice(1);
    assert.deepEqual(await series('memhp_memoryblocks'), ['memhp_memoryblocks{node="worker-1",state="online"} 1']);
    blocks.all.splice(0);
    assert.deepEqual(await series('memhp_memoryblocks'), []);
  });

  it('count blocks that are not Ready by their reason', async () => {
    const ready = (status: 'True' | 'False', reason: string) => ({
      conditions: [{ ...CONDITION, type: 'Ready', status, reason }],
    });
    blocks.all.push(
      blockOf({ blockId: 1 }, ready('True', 'Settled')),
      blockOf({ blockId: 2 }, ready('False', 'Vetoed')),
      blockOf({ blockId: 3 }, ready('False', 'Vetoed')),
      blockOf({ blockId: 4 }),
    );
    assert.deepEqual(await series('memhp_memoryblocks_not_ready'), [
      'memhp_memoryblocks_not_ready{reason="Vetoed"} 2',
      'memhp_memoryblocks_not_ready{reason="unknown"} 1',
    ]);
  });

  it('leave out what an agent tells that is no quantity of bytes, and nothing else', async () => {
    const node = (name: string, online: string) => ({
      metadata: { name },
      spec: {},
      status: { online, offline: '1Mi' },
    });
    nodeMemories.all.push(node('huge', '8Ei'), node('odd', 'lots'), node('sound', '1Gi'));
    assert.deepEqual(await series('memhp_node_memory_bytes'), [
      'memhp_node_memory_bytes{node="huge",state="offline"} 1048576',
      'memhp_node_memory_bytes{node="odd",state="offline"} 1048576',
      'memhp_node_memory_bytes{node="sound",state="offline"} 1048576',
      'memhp_node_memory_bytes{node="sound",state="online"} 1073741824',
    ]);
  });

  it('tell the memory of each node, and whether its agent is there, until the NodeMemory is deleted', async () => {
    nodeMemories.all.push(
      {
        metadata: { name: 'worker-1' },
        spec: {},
        status: {
          online: '1Gi',
          offline: '128Mi',
          conditions: [{ ...CONDITION, type: 'AgentReady', status: 'True', reason: 'Serving' }],
        },
      },
      { metadata: { name: 'worker-2' }, spec: {} },
    );
    assert.deepEqual(await series('memhp_node_memory_bytes'), [
      'memhp_node_memory_bytes{node="worker-1",state="offline"} 134217728',
      'memhp_node_memory_bytes{node="worker-1",state="online"} 1073741824',
    ]);
    assert.deepEqual(await series('memhp_agent_ready'), [
      'memhp_agent_ready{node="worker-1"} 1',
      'memhp_agent_ready{node="worker-2"} 0',
    ]);
    nodeMemories.all.splice(0);
    assert.deepEqual([...(await series('memhp_node_memory_bytes')), ...(await series('memhp_agent_ready'))], []);
  });
});
