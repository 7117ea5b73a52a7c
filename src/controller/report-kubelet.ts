/** Keeps NodeMemory.status.kubelet and the condition KubeletCapacityStale, with no more requests than there are changes. */
import { isDeepStrictEqual } from 'node:util';
import type { NodeMemory } from '../contract/resources.ts';
import type { Clock } from './clock.ts';
import type { Caches, Cluster, KubeletStatus, NodeObject } from './cluster.ts';
import { kubeletStatus, kubeletStatusOf } from './kubelet-capacity.ts';
import { whyNodeIsGone } from './node-presence.ts';
import { RepeatedWrites } from './repeated-writes.ts';
import { CONFLICT_MS } from './report-status.ts';
import { conditionsContent } from './status-content.ts';

export interface KubeletReporterDependencies {
  readonly caches: Caches;
  readonly cluster: Cluster;
  readonly clock: Clock;
}

export class KubeletReporter {
  readonly #deps: KubeletReporterDependencies;
  readonly #repeated: RepeatedWrites;

  constructor(dependencies: KubeletReporterDependencies) {
    this.#deps = dependencies;
    this.#repeated = new RepeatedWrites(dependencies.clock);
  }

  /** Resolves with the time after which to look again; undefined: when something changes. */
  async look(name: string): Promise<number | undefined> {
    const { caches, cluster } = this.#deps;
    const copy = caches.nodeMemories.get(name);
    const expected = this.#next(copy, caches.nodes.get(name));
    if (!copy || !expected) return undefined;
    const waitMs = this.#repeated.waitMs(name, contentOf(copy, expected));
    if (isDeepStrictEqual(expected, kubeletStatusOf(copy))) return undefined;
    if (waitMs !== undefined) return waitMs;
    // A copy may lag: a baseline that was taken from an old figure would be believed until the next one.
    const [nodeMemory, node] = await Promise.all([cluster.readNodeMemory(name), cluster.readNode(name)]);
    const next = this.#next(nodeMemory, node);
    if (!nodeMemory || !next || isDeepStrictEqual(next, kubeletStatusOf(nodeMemory))) return undefined;
    const result = await cluster.writeKubeletStatus(nodeMemory, next);
    if (result === 'written') this.#repeated.written(name, contentOf(nodeMemory, next));
    return result === 'conflict' ? CONFLICT_MS : undefined;
  }

  /** The status as it should be; undefined where that cannot be told. */
  #next(nodeMemory: NodeMemory | undefined, node: NodeObject | undefined): KubeletStatus | undefined {
    if (!nodeMemory || (node && whyNodeIsGone(nodeMemory.metadata.name, nodeMemory, node) !== undefined))
      return undefined;
    return kubeletStatus(nodeMemory, node, this.#deps.clock.nowMs());
  }
}

function contentOf({ metadata }: NodeMemory, { kubelet, conditions }: KubeletStatus): unknown {
  return [metadata.uid, kubelet, conditionsContent(conditions)];
}
