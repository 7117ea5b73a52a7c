/** What crosses the sandbox wall in the variants that are not ours. */
import type { LockMessageInput } from '../../../src/contract/activities.ts';
import type { LockGranted } from '../../../src/contract/locks.ts';
import type { LockTable } from '../../../src/kernel/lock-queue.ts';

export interface MutexRequest {
  readonly workflowId: string;
  readonly lock: string;
}

export interface MutexActivities {
  /** Signals a mutex workflow, started if need be, that somebody wants it. */
  requestMutex(input: { readonly mutexId: string; readonly request: MutexRequest }): Promise<void>;
}

export const MUTEX_REQUESTED_SIGNAL = 'mutexRequested';

export interface FastPathActivities {
  /** Answers the grant when it came at once; undefined when the answer comes, or came, by signal. */
  takeLocksFast(input: LockMessageInput): Promise<LockGranted | undefined>;
  releaseLocksFast(input: LockMessageInput): Promise<void>;
}

export interface FastPathNodeLocksInput {
  readonly node: string;
  /** Unset in the first run. */
  readonly table?: LockTable;
}

export const LOCK_REQUEST_UPDATE = 'lockRequest';
