/** What a lock entity tells its worker process, for metrics: best effort, not while replaying, no answer. */
import type { LockMode } from '../kernel/lock.ts';
import type { LockClass } from '../kernel/lockdep.ts';

/** Why a lock was taken from a holder that had not given it back. */
export type ReclaimReason = 'closed' | 'undeliverable' | 'node-over' | 'released-by-hand';

export interface LockMetrics {
  /** `waitMs`: from the arrival in the queue of this lock to its grant. */
  acquired(lock: LockClass, mode: LockMode, waitMs: number): void;
  released(lock: LockClass, mode: LockMode, holdMs: number): void;
  reclaimed(reason: ReclaimReason): void;
  /** How many wait for each class of locks of a node; classes that nobody waits for are left out. */
  queueDepth(node: string, depths: Readonly<Record<LockClass, number>>): void;
}

/** As Temporal's `Sinks`, which must be made of mapped types. */
export type LockMetricsSinks = Record<'lockMetrics', Pick<LockMetrics, keyof LockMetrics>>;
