/** How a lock message gets to the node's lock entity: one signal-with-start, which returns when it is recorded. */
import type { Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import type { LockActivities } from '../contract/activities.ts';
import { LOCK_MESSAGE_SIGNAL, type LockMessage } from '../contract/locks.ts';
import { locksTaskQueue, nodeLocksWorkflowId } from '../contract/names.ts';
import { NODE_LOCKS_WORKFLOW, type NodeLocksInput } from '../contract/node-locks.ts';
import { searchAttributeKeys } from './search-attribute-keys.ts';

export function createLockActivities(client: Client): LockActivities {
  return {
    async sendLockMessage({ cluster, node, message }) {
      const input: NodeLocksInput = { cluster, node };
      await client.workflow.signalWithStart<(input: NodeLocksInput) => Promise<void>, [LockMessage]>(
        NODE_LOCKS_WORKFLOW,
        {
          workflowId: nodeLocksWorkflowId(cluster, node),
          taskQueue: locksTaskQueue(cluster),
          args: [input],
          signal: LOCK_MESSAGE_SIGNAL,
          signalArgs: [message],
          staticSummary: `locks of ${node}`,
          staticDetails:
            'device_hotplug_lock, device_lock of each memory block, mem_hotplug_lock; in this order, FIFO.',
          typedSearchAttributes: new TypedSearchAttributes([{ key: searchAttributeKeys.node, value: node }]),
        },
      );
    },
  };
}
