/** Starts workflow explainOperation and waits for its answer, for a person at a terminal. */
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowFailedError, WorkflowNotFoundError, type Client, type WorkflowHandle } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { EXPLAIN_WORKFLOW, type ExplainInput, type Explanation, type NothingKnown } from '../contract/explain.ts';
import { explainWorkflowId, memoryBlockName, operationsTaskQueue } from '../contract/names.ts';
import { searchAttributeKeys } from './search-attribute-keys.ts';
import { WORKFLOW_TASK_TIMEOUT } from './start-operation.ts';

/** `silent`: no operator took the question; `failed`: one did, and could not find it out. */
export type ExplainAnswer =
  Explanation | NothingKnown | { readonly kind: 'silent' } | { readonly kind: 'failed'; readonly message: string };

type Explain = (input: ExplainInput) => Promise<Explanation | NothingKnown>;

/** Two walks of at most a minute each, and what plugins behind a veto add; a question that nobody answers is forgotten then. */
const ANSWER_LIMIT = '4 minutes';
/** Of a history that nobody has worked on: the start, and a task that waits for a worker. */
const UNTOUCHED_EVENTS = 2;

/** `session` tells questions about the same block apart. A question that no operator takes within `limitMs` is withdrawn. */
export async function startExplain(
  client: Client,
  session: string,
  input: ExplainInput,
  limitMs: number,
): Promise<ExplainAnswer> {
  const { cluster, node, blockId, to } = input;
  const handle = await client.workflow.start<Explain>(EXPLAIN_WORKFLOW, {
    workflowId: explainWorkflowId(cluster, node, blockId, session),
    taskQueue: operationsTaskQueue(cluster),
    args: [input],
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    workflowExecutionTimeout: ANSWER_LIMIT,
    staticSummary: `explain: memory${String(blockId)} of ${node} to ${to}`,
    staticDetails: 'A dry run for somebody’s terminal. Takes no lock and changes nothing.',
    typedSearchAttributes: new TypedSearchAttributes([
      { key: searchAttributeKeys.node, value: node },
      { key: searchAttributeKeys.block, value: memoryBlockName(node, blockId) },
    ]),
  });
  const answer = handle.result().catch(failureOf);
  const early = await Promise.race([answer, delay(limitMs, undefined, { ref: false })]);
  if (early) return early;
  if (await isUntouched(handle)) {
    await withdraw(handle);
    return { kind: 'silent' };
  }
  return answer;
}

async function isUntouched(handle: WorkflowHandle): Promise<boolean> {
  const { historyLength } = await handle.describe();
  return historyLength <= UNTOUCHED_EVENTS;
}

/** Terminated, not cancelled: there is nobody to obey, and nothing that it would have to give back. */
async function withdraw(handle: WorkflowHandle): Promise<void> {
  try {
    await handle.terminate('no operator took the question');
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

function failureOf(error: unknown): ExplainAnswer {
  if (!(error instanceof WorkflowFailedError)) throw error;
  let innermost: Error = error;
  while (innermost.cause instanceof Error) innermost = innermost.cause;
  return { kind: 'failed', message: innermost.message };
}
