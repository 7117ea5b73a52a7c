/** What the server knows of a worker's pollers. */
import type { NativeConnection, Worker } from '@temporalio/worker';
import { pollersOf, TaskQueueType } from './task-queue-pollers.ts';

const { TASK_QUEUE_TYPE_ACTIVITY: ACTIVITY, TASK_QUEUE_TYPE_WORKFLOW: WORKFLOW } = TaskQueueType;

/**
 * When the server saw the last poll of `worker` for activities, and for workflows if it has any, each by the server's
 * clock, in a text that differs for each time; undefined where it knows of none. Rejects when there is no such namespace.
 *
 * Both, because a worker does not poll for what all its slots are taken by.
 */
export function lastPollsOf(worker: Worker, connection: NativeConnection): Promise<readonly (string | undefined)[]> {
  const { namespace, taskQueue, identity } = worker.options;
  const hasWorkflows = worker.getStatus().workflowPollerState !== 'SHUTDOWN';
  const types = hasWorkflows ? [ACTIVITY, WORKFLOW] : [ACTIVITY];
  return Promise.all(
    types.map(async (type) => {
      const pollers = await pollersOf(connection, { namespace, taskQueue, type });
      return pollers.find((poller) => poller.identity === identity)?.lastPoll;
    }),
  );
}
