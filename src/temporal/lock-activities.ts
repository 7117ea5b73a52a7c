/** How a lock message gets to the node's lock entity: one signal-with-start, which returns when it is recorded. */
import type { Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import type { LockActivities, LockMessageInput } from '../contract/activities.ts';
import { LOCK_MESSAGE_SIGNAL, type LockMessage } from '../contract/locks.ts';
import { locksTaskQueue, nodeLocksWorkflowId } from '../contract/names.ts';
import { NODE_LOCKS_WORKFLOW, type NodeLocksInput } from '../contract/node-locks.ts';
import { WORKFLOW_TASK_TIMEOUT } from './start-operation.ts';
import { searchAttributeKeys } from './search-attribute-keys.ts';

export function createLockActivities(client: Client): LockActivities {
  const send = (input: LockMessageInput): Promise<void> => sendLockMessage(client, input);
  return { takeLocks: send, releaseLocks: send };
}

async function sendLockMessage(client: Client, { cluster, node, message }: LockMessageInput): Promise<void> {
  const input: NodeLocksInput = { cluster, node };
  await client.workflow.signalWithStart<(input: NodeLocksInput) => Promise<void>, [LockMessage]>(NODE_LOCKS_WORKFLOW, {
    workflowId: nodeLocksWorkflowId(cluster, node),
    taskQueue: locksTaskQueue(cluster),
    args: [input],
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    signal: LOCK_MESSAGE_SIGNAL,
    signalArgs: [message],
    staticSummary: `locks of ${node}`,
    staticDetails:
      'device_hotplug_lock, device_lock of each memory block, and mem_hotplug_lock; first come, first served.',
    typedSearchAttributes: new TypedSearchAttributes([{ key: searchAttributeKeys.node, value: node }]),
  });
}
