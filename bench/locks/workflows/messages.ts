/** What crosses the sandbox wall in the variants that are not ours. */

export interface MutexRequest {
  readonly workflowId: string;
  readonly lock: string;
}

export interface MutexActivities {
  /** Signals a mutex workflow, started if need be, that somebody wants it. */
  requestMutex(input: { readonly mutexId: string; readonly request: MutexRequest }): Promise<void>;
}

export const MUTEX_REQUESTED_SIGNAL = 'mutexRequested';
