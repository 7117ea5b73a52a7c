/** Gathers what `plan` has to know of one MemoryBlock and its surroundings. */
import type { MemoryBlock } from '../contract/resources.ts';
import type { Clock } from './clock.ts';
import type { Caches, Cluster } from './cluster.ts';
import { whyNodeIsGone } from './node-presence.ts';
import type { OperationPolicy } from './operation-request.ts';
import { plan, type Action, type RunningOperation } from './plan.ts';
import type { NodeTurns } from './node-turns.ts';
import { chainFingerprint } from './registered-notifiers.ts';

export interface BlockPlannerDependencies extends OperationPolicy {
  readonly clusterId: string;
  readonly caches: Caches;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly turns: NodeTurns;
}

export class BlockPlanner {
  readonly #deps: BlockPlannerDependencies;

  constructor(dependencies: BlockPlannerDependencies) {
    this.#deps = dependencies;
  }

  /** Sends no request: everything but `block` comes from the copies. */
  plan(block: MemoryBlock, isCrdTerminating: boolean, operation: RunningOperation | undefined): Action {
    const { clusterId, caches, clock, maxConcurrentOfflines, turns } = this.#deps;
    const nowMs = clock.nowMs();
    const { nodeName } = block.spec;
    const nodeGone = this.whyNodeIsGone(block);
    const nodeMemory = caches.nodeMemories.get(nodeName);
    const subject = { cluster: clusterId, block, nodeMemory, node: caches.nodes.get(nodeName) };
    return plan({
      cluster: clusterId,
      block,
      node: nodeMemory,
      ...(nodeGone === undefined ? {} : { nodeGone }),
      isCrdTerminating,
      ...(operation ? { operation } : {}),
      chain: chainFingerprint(caches.notifiers.list(), subject),
      ...(maxConcurrentOfflines === undefined ? {} : { maxConcurrentOfflines }),
      hasToQueue: !turns.isFree(block, nowMs),
      nowMs,
    });
  }

  /** As far as the copies tell. */
  whyNodeIsGone({ spec: { nodeName } }: MemoryBlock): string | undefined {
    const { nodeMemories, nodes } = this.#deps.caches;
    return whyNodeIsGone(nodeName, nodeMemories.get(nodeName), nodes.get(nodeName));
  }

  /** That a node is gone is only acted upon when the server says so now: a copy may be wrong. */
  async isNodeGone({ spec: { nodeName } }: MemoryBlock): Promise<boolean> {
    const { cluster } = this.#deps;
    const [nodeMemory, node] = await Promise.all([cluster.readNodeMemory(nodeName), cluster.readNode(nodeName)]);
    return whyNodeIsGone(nodeName, nodeMemory, node) !== undefined;
  }
}
