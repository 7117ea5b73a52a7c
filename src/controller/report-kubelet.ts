/** Keeps NodeMemory.status.kubelet and the condition KubeletCapacityStale, with no more requests than there are changes. */
import { isDeepStrictEqual } from 'node:util';
import type { NodeMemory } from '../contract/resources.ts';
import type { Clock } from './clock.ts';
import type { Caches, Cluster, KubeletStatus, NodeObject } from './cluster.ts';
import { kubeletStatus, kubeletStatusOf } from './kubelet-capacity.ts';
import { whyNodeIsGone } from './node-presence.ts';
import { CONFLICT_MS } from './report-status.ts';

export interface KubeletReporterDependencies {
  readonly caches: Caches;
  readonly cluster: Cluster;
  readonly clock: Clock;
}

export class KubeletReporter {
  readonly #deps: KubeletReporterDependencies;

  constructor(dependencies: KubeletReporterDependencies) {
    this.#deps = dependencies;
  }

  /** Resolves with the time after which to look again; undefined: when something changes. */
  async look(name: string): Promise<number | undefined> {
    const { caches, cluster } = this.#deps;
    if (!this.#change(caches.nodeMemories.get(name), caches.nodes.get(name))) return undefined;
    // A copy may lag: a baseline that was taken from an old figure would be believed until the next one.
    const [nodeMemory, node] = await Promise.all([cluster.readNodeMemory(name), cluster.readNode(name)]);
    const next = this.#change(nodeMemory, node);
    if (!nodeMemory || !next) return undefined;
    return (await cluster.writeKubeletStatus(nodeMemory, next)) === 'conflict' ? CONFLICT_MS : undefined;
  }

  /** Undefined when it is as it should be. */
  #change(nodeMemory: NodeMemory | undefined, node: NodeObject | undefined): KubeletStatus | undefined {
    if (!nodeMemory || (node && whyNodeIsGone(nodeMemory.metadata.name, nodeMemory, node) !== undefined))
      return undefined;
    const next = kubeletStatus(nodeMemory, node, this.#deps.clock.nowMs());
    return isDeepStrictEqual(next, kubeletStatusOf(nodeMemory)) ? undefined : next;
  }
}
