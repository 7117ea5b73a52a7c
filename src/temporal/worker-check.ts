/** Whether a worker takes work. */
import type { Worker } from '@temporalio/worker';
import type { CheckResult } from '../process/readiness.ts';
import type { SeenPolls } from './seen-polls.ts';

/**
 * The SDK goes on polling by itself while the server is away, and says nothing of polls that get lost on the way: that
 * they arrive, only the server can tell. A worker without workflows has a poller of them that is shut down: no failure.
 */
export function checkWorker(worker: Pick<Worker, 'getStatus'>, polls: Pick<SeenPolls, 'whyUnseen'>): CheckResult {
  const { runState, workflowPollerState, activityPollerState } = worker.getStatus();
  const hasFailed = [workflowPollerState, activityPollerState].includes('FAILED');
  const isRunning = runState === 'RUNNING' && !hasFailed;
  const why = hasFailed ? 'a poller has failed' : isRunning ? polls.whyUnseen : undefined;
  return { ok: isRunning && why === undefined, message: why === undefined ? runState : `${runState}; ${why}` };
}
