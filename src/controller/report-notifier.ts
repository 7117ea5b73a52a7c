/** Keeps a MemoryNotifier's status: who is asked, and whether. */
import { isDeepStrictEqual } from 'node:util';
import type { NotifierTransport } from '../contract/notifier.ts';
import type { Clock } from './clock.ts';
import type { Caches, Cluster } from './cluster.ts';
import { notifierConditions } from './notifier-conditions.ts';
import { describeTransport, notifierTransport } from './notifier-transport.ts';
import { RepeatedWrites } from './repeated-writes.ts';
import { conditionsContent } from './status-content.ts';

export interface NotifierReporterDependencies {
  readonly clusterId: string;
  readonly caches: Pick<Caches, 'notifiers'>;
  readonly cluster: Pick<Cluster, 'writeNotifierStatus'>;
  readonly clock: Clock;
  /** What is wrong with how a notifier's plugin is reached or configured, and what to do; undefined when nothing is. */
  readonly checkTransport: (transport: NotifierTransport) => Promise<string | undefined>;
}

export class NotifierReporter {
  readonly #deps: NotifierReporterDependencies;
  readonly #repeated: RepeatedWrites;

  constructor(dependencies: NotifierReporterDependencies) {
    this.#deps = dependencies;
    this.#repeated = new RepeatedWrites(dependencies.clock);
  }

  /** Resolves with the time after which to look again; undefined: when something changes. */
  async look(name: string): Promise<number | undefined> {
    const { clusterId, caches, cluster, clock, checkTransport } = this.#deps;
    const notifier = caches.notifiers.get(name);
    if (!notifier || notifier.metadata.deletionTimestamp !== undefined) return undefined;
    const transport = notifierTransport(notifier.spec, clusterId);
    const conditions = notifierConditions(notifier, await checkTransport(transport), clock.nowMs());
    const target = describeTransport(transport);
    const { metadata, status } = notifier;
    const content = [metadata.uid, target, conditionsContent(conditions)];
    const waitMs = this.#repeated.waitMs(name, content);
    if (status?.target === target && isDeepStrictEqual(status.conditions, conditions)) return undefined;
    if (waitMs !== undefined) return waitMs;
    // A conflict means a newer version, which the watch brings.
    const result = await cluster.writeNotifierStatus(notifier, { target, conditions });
    if (result === 'written') this.#repeated.written(name, content);
    return undefined;
  }
}
