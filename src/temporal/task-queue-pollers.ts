/** Who polls a task queue, as far as the server remembers. */
import proto from '@temporalio/proto';
import type { Connection } from '@temporalio/client';

/** Workflow or activity: a queue has pollers of each kind. */
export const { TaskQueueType } = proto.temporal.api.enums.v1;

export interface TaskQueueKind {
  readonly namespace: string;
  readonly taskQueue: string;
  readonly type: proto.temporal.api.enums.v1.TaskQueueType;
}

export interface Poller {
  readonly identity: string;
  /** When it polled last, by the server's clock, in a text that differs for each time; undefined: the server does not tell. */
  readonly lastPoll: string | undefined;
}

/** Those of the queue's root partition: the others pass polls on to it. Rejects when there is no such namespace. */
export async function pollersOf(
  { workflowService }: Pick<Connection, 'workflowService'>,
  { namespace, taskQueue, type }: TaskQueueKind,
): Promise<readonly Poller[]> {
  const { pollers } = await workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: type,
  });
  return pollers.map(({ identity, lastAccessTime: time }) => ({
    identity: identity ?? '',
    lastPoll: time ? `${String(time.seconds)}.${String(time.nanos)}` : undefined,
  }));
}
