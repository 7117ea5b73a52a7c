/** Starts workflow holdLocks and waits for it through outages of the server. */
import { setTimeout as delay } from 'node:timers/promises';
import { ServiceError, type Client, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { HOLD_LOCKS_WORKFLOW, type HoldLocksInput, type HoldLocksOutcome } from '../contract/hold-locks.ts';
import { holdLocksWorkflowId, operationsTaskQueue } from '../contract/names.ts';
import { searchAttributeKeys } from './search-attribute-keys.ts';
import { WORKFLOW_TASK_TIMEOUT } from './start-operation.ts';

type HoldLocks = (input: HoldLocksInput) => Promise<HoldLocksOutcome>;

/** How soon a server that was away is asked again. */
const RETRY_MS = 1_000;

export function startHoldLocks(
  client: Client,
  session: string,
  input: HoldLocksInput,
): Promise<WorkflowHandleWithFirstExecutionRunId<HoldLocks>> {
  const { cluster, node, purpose, locks } = input;
  return client.workflow.start<HoldLocks>(HOLD_LOCKS_WORKFLOW, {
    workflowId: holdLocksWorkflowId(cluster, node, session),
    taskQueue: operationsTaskQueue(cluster),
    args: [input],
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    staticSummary: `${locks.map(({ name }) => name).join(', ')} of ${node}: ${purpose}`,
    staticDetails:
      'Holds locks for a command on somebody’s terminal. Cancel it to give them back; terminating leaves them held.',
    typedSearchAttributes: new TypedSearchAttributes([{ key: searchAttributeKeys.node, value: node }]),
  });
}

/** Throws a WorkflowFailedError when it was terminated or has failed. */
export async function outcomeOf(handle: WorkflowHandleWithFirstExecutionRunId<HoldLocks>): Promise<HoldLocksOutcome> {
  for (;;) {
    try {
      return await handle.result();
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      await delay(RETRY_MS);
    }
  }
}
