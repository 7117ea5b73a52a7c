/** Argument of the lock entity workflow; state is what it carries over when it continues as new. */
import type { LockTable } from '../kernel/lock-queue.ts';

export interface NodeLocksInput {
  readonly cluster: string;
  readonly node: string;
  /** Unset in the first run. */
  readonly carried?: { readonly table: LockTable; readonly runId: string };
  /** History length after which the entity continues as new; the server's own suggestion counts as well. */
  readonly historyLengthMax?: number;
}

export const NODE_LOCKS_WORKFLOW = 'nodeLocks';
