/** What the server knows of a worker's pollers. */
import proto from '@temporalio/proto';
import type { NativeConnection, Worker } from '@temporalio/worker';

const { TaskQueueType } = proto.temporal.api.enums.v1;
const { TASK_QUEUE_TYPE_ACTIVITY: ACTIVITY, TASK_QUEUE_TYPE_WORKFLOW: WORKFLOW } = TaskQueueType;

/**
 * When the server saw the last poll of `worker` for activities, and for workflows if it has any, each by the server's
 * clock, in a text that differs for each time; undefined where it knows of none. Rejects when there is no such namespace.
 *
 * Both, because a worker does not poll for what all its slots are taken by. The root partition of the queue is asked:
 * the others pass polls on to it.
 */
export function lastPollsOf(worker: Worker, connection: NativeConnection): Promise<readonly (string | undefined)[]> {
  const hasWorkflows = worker.getStatus().workflowPollerState !== 'SHUTDOWN';
  const types = hasWorkflows ? [ACTIVITY, WORKFLOW] : [ACTIVITY];
  return Promise.all(types.map((type) => lastPollOf(worker, connection, type)));
}

async function lastPollOf(
  { options: { namespace, taskQueue, identity } }: Worker,
  { workflowService }: NativeConnection,
  taskQueueType: proto.temporal.api.enums.v1.TaskQueueType,
): Promise<string | undefined> {
  const { pollers } = await workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType,
  });
  const time = pollers.find((poller) => poller.identity === identity)?.lastAccessTime;
  return time ? `${String(time.seconds)}.${String(time.nanos)}` : undefined;
}
