/** What workers of this process died of. */
import type { Worker } from '@temporalio/worker';

/** What the SDK logs then, with the error and the task queue. */
const WORKER_FAILED = 'Worker failed';

/** By task queue. One per process, as Temporal's Runtime is, whose logger tells of them. */
const failures = new Map<unknown, Error>();

/** To be told of every line that the SDK logs. */
export function noteWorkerFailure(message: string, meta: object = {}): void {
  if (message !== WORKER_FAILED || !('error' in meta) || !('taskQueue' in meta)) return;
  if (meta.error instanceof Error) failures.set(meta.taskQueue, meta.error);
}

/**
 * What `worker` died of, where `error` is what its `run()` rejected with: that may be no more than that its native part could
 * not be closed at once ("Worker still in use"), in place of the reason.
 */
export function failureOf({ options: { taskQueue } }: Worker, error: unknown): unknown {
  return failures.get(taskQueue) ?? error;
}
