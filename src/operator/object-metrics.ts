/** Prometheus metrics of the objects of the cluster, counted anew at each scrape: a series goes with its last object. */
import { Gauge, type Registry } from 'prom-client';
import { parseBytes } from '../contract/quantity.ts';
import type { MemoryBlock, NodeMemory } from '../contract/resources.ts';
import type { Caches } from '../controller/cluster.ts';

/** What a block is called of which its node's agent has not told anything yet. */
const UNKNOWN = 'unknown';

/** Counts, not one series for each block: a large node has thousands of them. */
export function createObjectMetrics(registry: Registry, { blocks, nodeMemories }: Caches): void {
  const registers = [registry];
  new Gauge({
    ...{ name: 'memhp_memoryblocks', help: 'MemoryBlock objects, by node and state of the block.', registers },
    labelNames: ['node', 'state'] as const,
    collect() {
      this.reset();
      for (const { spec, status } of blocks.list()) this.inc({ node: spec.nodeName, state: status?.state ?? UNKNOWN });
    },
  });
  new Gauge({
    ...{ name: 'memhp_memoryblocks_not_ready', help: 'MemoryBlock objects that are not Ready, by reason.', registers },
    labelNames: ['reason'] as const,
    collect() {
      this.reset();
      for (const block of blocks.list()) {
        const reason = whyNotReady(block);
        if (reason !== undefined) this.inc({ reason });
      }
    },
  });
  new Gauge({
    ...{ name: 'memhp_node_memory_bytes', help: 'Memory of a node, by state, as its agent tells.', registers },
    labelNames: ['node', 'state'] as const,
    collect() {
      this.reset();
      for (const { metadata, status } of nodeMemories.list()) {
        for (const state of ['online', 'offline'] as const) {
          const bytes = bytesOf(status?.[state]);
          if (bytes !== undefined) this.set({ node: metadata.name, state }, bytes);
        }
      }
    },
  });
  new Gauge({
    ...{ name: 'memhp_agent_ready', help: 'Whether the agent of a node says that it serves it: 1 or 0.', registers },
    labelNames: ['node'] as const,
    collect() {
      this.reset();
      for (const node of nodeMemories.list()) this.set({ node: node.metadata.name }, isAgentReady(node) ? 1 : 0);
    },
  });
}

/** An agent is one of many: a figure of its that makes no sense must not hide those of others. */
function bytesOf(quantity: string | undefined): number | undefined {
  if (quantity === undefined) return undefined;
  try {
    return parseBytes(quantity);
  } catch {
    return undefined;
  }
}

/** A block that is new has no condition yet; nobody has looked at it. */
function whyNotReady({ status }: MemoryBlock): string | undefined {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True') return undefined;
  return ready?.reason ?? UNKNOWN;
}

function isAgentReady({ status }: NodeMemory): boolean {
  return (
    status?.conditions?.some((condition) => condition.type === 'AgentReady' && condition.status === 'True') ?? false
  );
}
