/** How a lock message gets to the node's lock entity: see entity-messages.ts. */
import type { Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import type { LockActivities, LockMessageInput } from '../contract/activities.ts';
import { LOCK_MESSAGE_SIGNAL, REQUEST_LOCKS_UPDATE, type RequestLocksAnswer } from '../contract/locks.ts';
import { locksTaskQueue, nodeLocksWorkflowId } from '../contract/names.ts';
import { NODE_LOCKS_WORKFLOW, type NodeLocksInput } from '../contract/node-locks.ts';
import { EntityRequests, tellEntity, wakeEntity, type Entity } from './entity-messages.ts';
import { WORKFLOW_TASK_TIMEOUT } from './start-operation.ts';
import { searchAttributeKeys } from './search-attribute-keys.ts';

export interface LockActivitiesOptions {
  /** False: requests go by signal, as all else, for servers on which updates are switched off. Costs four events more each. */
  readonly byUpdate?: boolean;
}

/** What a worker needs whose workflows take locks: among its activities, because workflows run them as local ones. */
export function createLockActivities(client: Client, { byUpdate = true }: LockActivitiesOptions = {}): LockActivities {
  const requests = new EntityRequests(client);
  const send = ({ cluster, node, message }: LockMessageInput): Promise<void> =>
    tellEntity(client, lockEntity(cluster, node), message);

  const take: LockActivities['takeLocks'] = async (input) => {
    const { cluster, node, message } = input;
    if (byUpdate) {
      const entity = lockEntity(cluster, node);
      const answer = await requests.ask<RequestLocksAnswer>(entity, message, message.request?.id);
      if (answer) return answer;
    }
    await send(input);
    return { kind: byUpdate ? 'pending' : 'sent' };
  };
  return { takeLocks: take, releaseLocks: send, reportHolder: send };
}

/** Starts the node's lock entity where none runs. One that runs is left alone: not even an event in its history. */
export async function wakeLockEntity(client: Client, cluster: string, node: string): Promise<void> {
  await wakeEntity(client, lockEntity(cluster, node));
}

function lockEntity(cluster: string, node: string): Entity {
  const args: [NodeLocksInput] = [{ cluster, node }];
  return {
    type: NODE_LOCKS_WORKFLOW,
    start: {
      workflowId: nodeLocksWorkflowId(cluster, node),
      taskQueue: locksTaskQueue(cluster),
      args,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      staticSummary: `locks of ${node}`,
      staticDetails:
        'device_hotplug_lock, device_lock of each memory block, and mem_hotplug_lock; first come, first served.',
      typedSearchAttributes: new TypedSearchAttributes([{ key: searchAttributeKeys.node, value: node }]),
    },
    signal: LOCK_MESSAGE_SIGNAL,
    update: REQUEST_LOCKS_UPDATE,
  };
}
