/** Prometheus metrics of the lock service, as the lock entities that this process serves report them. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { DEFAULT_LOCK_TIMINGS } from '../contract/node-locks.ts';
import type { LockSinks } from '../temporal/workers.ts';

/** In seconds: an uncontended lock takes milliseconds, an offline holds its locks for minutes, a dead node's for hours. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400];
/**
 * While somebody waits, a lock entity looks around at least this often, and tells the depth of its queues. A depth that
 * was not told twice is no longer ours to tell: another replica serves that entity now.
 */
const DEPTH_MAX_AGE_MS = 2 * DEFAULT_LOCK_TIMINGS.livenessMaxMs;

const MS_PER_SECOND = 1000;

export interface LockMetricsOptions {
  /** Series of other nodes disappear; unset: every node is known. */
  readonly isNodeKnown?: (node: string) => boolean;
  /** A clock of one's own. */
  readonly nowMs?: () => number;
}

/** Registers the metrics, and answers the sinks of the locks worker that fill them. */
export function createLockSinks(registry: Registry, options: LockMetricsOptions = {}): LockSinks {
  const registers = [registry];
  const labelNames = ['lock', 'mode'] as const;
  const wait = new Histogram({
    ...{ name: 'memhp_lock_wait_seconds', help: 'How long a lock was waited for, by class of lock and mode.' },
    ...{ labelNames, buckets: BUCKETS, registers },
  });
  const hold = new Histogram({
    ...{ name: 'memhp_lock_hold_seconds', help: 'How long a lock was held, by class of lock and mode.' },
    ...{ labelNames, buckets: BUCKETS, registers },
  });
  const reclaims = new Counter({
    ...{ name: 'memhp_lock_reclaims_total', help: 'Locks taken from a holder that had not given them back.' },
    ...{ labelNames: ['reason'] as const, registers },
  });
  const depths = new QueueDepths(registry, options);
  return {
    lockMetrics: {
      acquired: { fn: (_, lock, mode, waitMs) => wait.observe({ lock, mode }, waitMs / MS_PER_SECOND) },
      released: { fn: (_, lock, mode, holdMs) => hold.observe({ lock, mode }, holdMs / MS_PER_SECOND) },
      reclaimed: { fn: (_, reason) => reclaims.inc({ reason }) },
      queueDepth: { fn: (_, node, byLock) => depths.set(node, byLock) },
    },
  };
}

/** A gauge whose series disappear when they are no longer told. */
class QueueDepths {
  readonly #toldMs = new Map<string, number>();
  readonly #locks = new Map<string, Set<string>>();
  readonly #isNodeKnown: (node: string) => boolean;
  readonly #nowMs: () => number;
  readonly #gauge: Gauge<'node' | 'lock'>;

  constructor(registry: Registry, { isNodeKnown = () => true, nowMs = Date.now }: LockMetricsOptions) {
    this.#isNodeKnown = isNodeKnown;
    this.#nowMs = nowMs;
    this.#gauge = new Gauge({
      ...{ name: 'memhp_lock_queue_depth', help: 'How many wait for a class of locks of a node.' },
      ...{ labelNames: ['node', 'lock'] as const, registers: [registry] },
      collect: () => {
        this.#dropOld();
      },
    });
  }

  /** A class that was told before and is left out now has nobody left who waits. */
  set(node: string, byLock: Readonly<Record<string, number>>): void {
    const locks = this.#locks.get(node) ?? new Set();
    for (const lock of Object.keys(byLock)) locks.add(lock);
    for (const lock of locks) this.#gauge.set({ node, lock }, byLock[lock] ?? 0);
    this.#locks.set(node, locks);
    this.#toldMs.set(node, this.#nowMs());
  }

  #dropOld(): void {
    for (const [node, toldMs] of this.#toldMs) {
      if (this.#isNodeKnown(node) && this.#nowMs() - toldMs <= DEPTH_MAX_AGE_MS) continue;
      for (const lock of this.#locks.get(node) ?? []) this.#gauge.remove({ node, lock });
      this.#toldMs.delete(node);
      this.#locks.delete(node);
    }
  }
}
