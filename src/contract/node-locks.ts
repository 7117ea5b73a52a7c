/** Argument of the lock entity workflow; state is what it carries over when it continues as new. */
import type { Disproofs } from '../kernel/disproof.ts';
import type { LockTable } from '../kernel/lock-queue.ts';

/** Durations that tests shorten. */
export interface LockTimings {
  /** How long somebody waits before it is looked at whether those in the way still live; then again, ever more rarely. */
  readonly livenessMs: number;
  readonly livenessMaxMs: number;
  /** How long the node's agent may take to begin a settlement. */
  readonly agentStartMs: number;
}

export const DEFAULT_LOCK_TIMINGS: LockTimings = { livenessMs: 5_000, livenessMaxMs: 60_000, agentStartMs: 10_000 };

export interface NodeLocksInput {
  readonly cluster: string;
  readonly node: string;
  /** Unset in the first run. */
  readonly carried?: {
    readonly table: LockTable;
    readonly runId: string;
    /** Unset: none, or an earlier version, which did not count them. */
    readonly disproofs?: Disproofs;
  };
  readonly timings?: Partial<LockTimings>;
  /** History length after which the entity continues as new; the server's own suggestion counts as well. */
  readonly historyLengthMax?: number;
}

export const NODE_LOCKS_WORKFLOW = 'nodeLocks';
