/**
 * NodeMemory.status.locks: the locks of a node that somebody waits for, while that lasts longer than a moment. Looked at
 * only while an operation waits or something is shown, and written only when it differs from what is shown.
 */
import { isDeepStrictEqual } from 'node:util';
import type { LockService } from '../contract/lock-service.ts';
import type { LockParty, LockTableView } from '../contract/locks.ts';
import type { NodeMemoryStatus } from '../contract/resources.ts';
import type { Clock } from './clock.ts';
import type { Caches, Cluster, Log } from './cluster.ts';
import { RepeatedWrites } from './repeated-writes.ts';

export type ShownLocks = NonNullable<NodeMemoryStatus['locks']>;

/** How long a wait lasts before it is worth showing, and how often it is looked at. */
export const LONG_WAIT_MS = 5_000;
/** Limits of the CRD. */
const LOCKS_MAX = 1024;
const PARTIES_MAX = 256;
const PARTY_LENGTH_MAX = 2048;

export interface LocksReporterDependencies {
  readonly caches: Caches;
  readonly cluster: Cluster;
  readonly locks: LockService;
  readonly clock: Clock;
  readonly log: Log;
}

export class LocksReporter {
  readonly #deps: LocksReporterDependencies;
  readonly #repeated: RepeatedWrites;

  constructor(dependencies: LocksReporterDependencies) {
    this.#deps = dependencies;
    this.#repeated = new RepeatedWrites(dependencies.clock);
  }

  /** Resolves with the time after which to look again; undefined once nobody waits and nothing is shown. */
  async look(node: string): Promise<number | undefined> {
    const { caches, clock } = this.#deps;
    const nodeMemory = caches.nodeMemories.get(node);
    if (!nodeMemory) return undefined;
    const table = await this.#tableOf(node);
    // What is shown stays until it is known to be otherwise.
    if (!table) return LONG_WAIT_MS;
    const waitedMs = longestWaitMs(table, clock.nowMs());
    const shown = nodeMemory.status?.locks ?? [];
    const isLong = waitedMs !== undefined && waitedMs >= LONG_WAIT_MS;
    const next = shown.length > 0 || isLong ? awaitedLocks(table) : [];
    const repeatMs = await this.#show(node, shown, next);
    if (waitedMs === undefined) return repeatMs;
    return Math.min(isLong ? LONG_WAIT_MS : LONG_WAIT_MS - waitedMs, repeatMs ?? Infinity);
  }

  /** Resolves with the time to wait, when `next` was shown just now and has been replaced since. */
  async #show(node: string, shown: ShownLocks, next: ShownLocks): Promise<number | undefined> {
    const waitMs = this.#repeated.waitMs(node, next);
    if (isDeepStrictEqual(shown, next)) return undefined;
    if (waitMs !== undefined) return waitMs;
    if ((await this.#deps.cluster.writeNodeLocks(node, next)) === 'written') this.#repeated.written(node, next);
    return undefined;
  }

  async #tableOf(node: string): Promise<LockTableView | undefined> {
    const { locks, log } = this.#deps;
    try {
      const table = await locks.table(node);
      if (table !== 'stopped') return table;
      await locks.wake(node);
    } catch (error) {
      log.warn('the locks of a node could not be looked at', { node, error });
    }
    return undefined;
  }
}

/** Undefined when nobody waits. */
function longestWaitMs({ locks }: LockTableView, nowMs: number): number | undefined {
  const since = locks.flatMap(({ waiters }) => waiters.map((waiter) => Date.parse(waiter.since)));
  return since.length > 0 ? Math.max(0, nowMs - Math.min(...since)) : undefined;
}

/** No ages and no tokens: it reads the same as long as nothing happens. */
function awaitedLocks({ locks }: LockTableView): ShownLocks {
  return locks
    .filter(({ waiters }) => waiters.length > 0)
    .slice(0, LOCKS_MAX)
    .map(({ name, holders, waiters }) => ({
      name,
      holders: holders.slice(0, PARTIES_MAX).map(describe),
      waiters: waiters.slice(0, PARTIES_MAX).map(describe),
    }));
}

/** `online memory32 (write) since 2026-01-01T12:00:00.000Z, workflow …` */
function describe({ purpose, mode, since, workflowId, isClosed, suspect }: LockParty): string {
  const state = isClosed ? ', ended' : suspect === undefined ? '' : `, suspect: ${suspect}`;
  return `${purpose} (${mode}) since ${since}, workflow ${workflowId}${state}`.slice(0, PARTY_LENGTH_MAX);
}
