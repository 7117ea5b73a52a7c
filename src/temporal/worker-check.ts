/** Whether a worker takes work: told by the SDK, which goes on polling by itself while the server is away. */
import type { Worker } from '@temporalio/worker';

/** A worker without workflows has a poller of them that is shut down: that is no failure. */
export function checkWorker(worker: Pick<Worker, 'getStatus'>): { readonly ok: boolean; readonly message: string } {
  const { runState, workflowPollerState, activityPollerState } = worker.getStatus();
  const hasFailed = [workflowPollerState, activityPollerState].includes('FAILED');
  return {
    ok: runState === 'RUNNING' && !hasFailed,
    message: hasFailed ? `${runState}; a poller has failed` : runState,
  };
}
