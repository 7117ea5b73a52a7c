/**
 * How a lock message gets to the node's lock entity. A request goes as an update-with-start, which brings the grant back at
 * once if all locks are free. On any doubt, and for all else, it goes as a signal-with-start, which returns when it is
 * recorded. The entity knows requests by id: one that arrives both ways is one.
 */
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import type { LockActivities, LockMessageInput } from '../contract/activities.ts';
import {
  LOCK_MESSAGE_SIGNAL,
  REQUEST_LOCKS_UPDATE,
  type LockMessage,
  type RequestLocksAnswer,
} from '../contract/locks.ts';
import { locksTaskQueue, nodeLocksWorkflowId } from '../contract/names.ts';
import { NODE_LOCKS_WORKFLOW, type NodeLocksInput } from '../contract/node-locks.ts';
import { WORKFLOW_TASK_TIMEOUT } from './start-operation.ts';
import { searchAttributeKeys } from './search-attribute-keys.ts';

/**
 * An update is answered within one workflow task, some 20 ms. The requester's own task is kept open meanwhile, so the wait
 * for an entity without a worker must stay well below the time that a workflow task may take.
 */
const ANSWER_TIMEOUT_MS = 1_000;

export interface LockActivitiesOptions {
  /** False: requests go by signal, as all else, for servers on which updates are switched off. Costs four events more each. */
  readonly byUpdate?: boolean;
}

/** What a worker needs whose workflows take locks: among its activities, because workflows run them as local ones. */
export function createLockActivities(client: Client, { byUpdate = true }: LockActivitiesOptions = {}): LockActivities {
  /**
   * Entities with an update of this process in flight. One at a time: beside another there is contention, and the answer
   * comes by signal anyway. The server lets ten be in flight per workflow, and an eleventh aborts the others; so up to ten
   * operators stay clear of that.
   */
  const asked = new Set<string>();
  const send = (input: LockMessageInput): Promise<void> => sendLockMessage(client, input);

  const take: LockActivities['takeLocks'] = async (input) => {
    const entity = nodeLocksWorkflowId(input.cluster, input.node);
    if (byUpdate && !asked.has(entity)) {
      asked.add(entity);
      try {
        return await requestLocks(client, input);
      } catch {
        // Aborted, too many in flight, no worker in time: whether it arrived is not known, and need not be.
      } finally {
        asked.delete(entity);
      }
    }
    await send(input);
    return { kind: byUpdate ? 'pending' : 'sent' };
  };
  return { takeLocks: take, releaseLocks: send, reportHolder: send };
}

/** The request's id as the update's: a repetition within one run of the entity is answered by the server. */
async function requestLocks(client: Client, { cluster, node, message }: LockMessageInput): Promise<RequestLocksAnswer> {
  const startWorkflowOperation = new WithStartWorkflowOperation<NodeLocks>(NODE_LOCKS_WORKFLOW, {
    ...startOptions(cluster, node),
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  return client.withDeadline(Date.now() + ANSWER_TIMEOUT_MS, () =>
    client.workflow.executeUpdateWithStart<NodeLocks, RequestLocksAnswer, [LockMessage]>(REQUEST_LOCKS_UPDATE, {
      args: [message],
      startWorkflowOperation,
      ...(message.request ? { updateId: message.request.id } : {}),
    }),
  );
}

async function sendLockMessage(client: Client, { cluster, node, message }: LockMessageInput): Promise<void> {
  await client.workflow.signalWithStart<NodeLocks, [LockMessage]>(NODE_LOCKS_WORKFLOW, {
    ...startOptions(cluster, node),
    signal: LOCK_MESSAGE_SIGNAL,
    signalArgs: [message],
  });
}

/** Starts the node's lock entity where none runs. One that runs is left alone: not even an event in its history. */
export async function wakeLockEntity(client: Client, cluster: string, node: string): Promise<void> {
  await client.workflow.start<NodeLocks>(NODE_LOCKS_WORKFLOW, {
    ...startOptions(cluster, node),
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
}

type NodeLocks = (input: NodeLocksInput) => Promise<void>;

function startOptions(cluster: string, node: string) {
  const args: [NodeLocksInput] = [{ cluster, node }];
  return {
    workflowId: nodeLocksWorkflowId(cluster, node),
    taskQueue: locksTaskQueue(cluster),
    args,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    staticSummary: `locks of ${node}`,
    staticDetails:
      'device_hotplug_lock, device_lock of each memory block, and mem_hotplug_lock; first come, first served.',
    typedSearchAttributes: new TypedSearchAttributes([{ key: searchAttributeKeys.node, value: node }]),
  } as const;
}
