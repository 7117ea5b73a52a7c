/**
 * Creates the MemoryBlocks that a node's `spec.discovery` asks for. Level-triggered: looked at whenever the NodeMemory
 * changes or a MemoryBlock goes away. It deletes nothing, and changes no object that is there.
 */
import { formatBlockRanges } from '../contract/block-ranges.ts';
import { memoryBlockName } from '../contract/names.ts';
import type { NodeMemory } from '../contract/resources.ts';
import type { Clock } from './clock.ts';
import type { Caches, Cluster, Log, NodeObject } from './cluster.ts';
import { blocksToDiscover, discoveredBlock } from './discover-blocks.ts';
import { whyNodeIsGone } from './node-presence.ts';

/** Requests side by side: as many as the controller's looks at blocks, which they bring about. */
const CREATES_AT_ONCE = 8;
/** How soon a MemoryBlock that was deleted comes back: whoever deletes it again and again gets no faster race. */
const REDISCOVER_MS = 5_000;
/** While the CRD of MemoryBlocks is being deleted, or is gone. */
const CRD_RETRY_MS = 60_000;

export interface BlockDiscoveryDependencies {
  readonly caches: Caches;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
}

export class BlockDiscovery {
  readonly #deps: BlockDiscoveryDependencies;
  /** Until when nothing is created for a node, by name. */
  readonly #restsUntilMs = new Map<string, number>();

  constructor(dependencies: BlockDiscoveryDependencies) {
    this.#deps = dependencies;
  }

  /** A MemoryBlock of `node` was deleted; look at the node then. Of several deletions the first counts. */
  blockDeleted(node: string): void {
    const nowMs = this.#deps.clock.nowMs();
    if ((this.#restsUntilMs.get(node) ?? 0) <= nowMs) this.#restsUntilMs.set(node, nowMs + REDISCOVER_MS);
  }

  /**
   * Resolves with the time after which to look again; undefined: when something changes. Rejects when a MemoryBlock cannot
   * be created; the next look creates what is still missing.
   */
  async look(name: string): Promise<number | undefined> {
    const { caches, cluster, clock } = this.#deps;
    const restMs = (this.#restsUntilMs.get(name) ?? 0) - clock.nowMs();
    if (restMs > 0) return restMs;
    this.#restsUntilMs.delete(name);
    if (this.#missing(caches.nodeMemories.get(name), caches.nodes.get(name)).length === 0) return undefined;
    // The copies may lag: a block, or its node, that has just been removed must not come back as an object.
    const [nodeMemory, node, isCrdTerminating] = await Promise.all([
      cluster.readNodeMemory(name),
      cluster.readNode(name),
      cluster.isCrdTerminating(),
    ]);
    if (isCrdTerminating) return CRD_RETRY_MS;
    const missing = this.#missing(nodeMemory, node);
    if (nodeMemory && missing.length > 0) await this.#create(nodeMemory, missing);
    return undefined;
  }

  #missing(nodeMemory: NodeMemory | undefined, node: NodeObject | undefined): readonly number[] {
    if (!nodeMemory || whyNodeIsGone(nodeMemory.metadata.name, nodeMemory, node) !== undefined) return [];
    const { name } = nodeMemory.metadata;
    return blocksToDiscover(nodeMemory, { has: (block) => this.#isKnown(block), count: () => this.#countOf(name) });
  }

  #countOf(node: string): number {
    return this.#deps.caches.blocks.list().filter(({ spec }) => spec.nodeName === node).length;
  }

  #isKnown(block: string): boolean {
    return this.#deps.caches.blocks.get(block) !== undefined;
  }

  async #create(nodeMemory: NodeMemory, missing: readonly number[]): Promise<void> {
    // Of several operators, each begins elsewhere: what one has created, the others have seen when they come to it.
    const start = Math.floor(this.#deps.random() * missing.length);
    const pending = [...missing.slice(start), ...missing.slice(0, start)];
    const created: number[] = [];
    try {
      while (pending.length > 0) {
        const results = await Promise.allSettled(
          pending.splice(0, CREATES_AT_ONCE).map(async (blockId) => {
            if (await this.#createOne(nodeMemory.metadata.name, blockId)) created.push(blockId);
          }),
        );
        const failed = results.find((result) => result.status === 'rejected');
        if (failed) throw failed.reason as Error;
      }
    } finally {
      if (created.length > 0) await this.#tell(nodeMemory, created);
    }
  }

  /** Whether it was created here and now. */
  async #createOne(node: string, blockId: number): Promise<boolean> {
    if (this.#isKnown(memoryBlockName(node, blockId))) return false;
    return (await this.#deps.cluster.createBlock(discoveredBlock(node, blockId))) === 'created';
  }

  async #tell(nodeMemory: NodeMemory, created: readonly number[]): Promise<void> {
    const { cluster, log } = this.#deps;
    const { name, uid = '', resourceVersion = '' } = nodeMemory.metadata;
    const count = created.length;
    const blocks = formatBlockRanges(created);
    log.info('blocks discovered', { node: name, count, blocks });
    const what = `discovery is ${nodeMemory.spec.discovery ?? 'None'}`;
    await cluster.recordNodeEvent(nodeMemory, {
      type: 'Normal',
      reason: 'BlocksDiscovered',
      note: `${String(count)} MemoryBlock${count === 1 ? '' : 's'} created, as ${what}: memory blocks ${blocks}`,
      action: 'Discover',
      key: [uid, resourceVersion, 'BlocksDiscovered', blocks].join('/'),
    });
  }
}
