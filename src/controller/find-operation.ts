/** The operation that a block's status names: whether it still runs. */
import type { OperationStarter } from '../contract/operation-starter.ts';
import type { OperationStatus } from '../contract/resources.ts';
import type { RunningOperation } from './plan.ts';

export type FoundOperation =
  | { readonly kind: 'running'; readonly operation: RunningOperation }
  /** `closedAs` is unset when the server does not know the run any more. */
  | { readonly kind: 'closed'; readonly closedAs?: string };

/** Undefined when the status names none. Rejects when Temporal cannot be reached. */
export async function findOperation(
  starter: OperationStarter,
  known: OperationStatus | undefined,
): Promise<FoundOperation | undefined> {
  if (!known) return undefined;
  const found = await starter.describe(known.workflowId, known.runId);
  if (!found?.isRunning) {
    return { kind: 'closed', ...(found?.closedAs === undefined ? {} : { closedAs: found.closedAs }) };
  }
  const generation = found.memo.generation ?? known.generation;
  const memo = { ...found.memo, ...(generation === undefined ? {} : { generation }) };
  return { kind: 'running', operation: { ...found, memo } };
}

/** What `findOperation` would find if nobody could be asked: taken to be running. */
export function assumeRunning(known: OperationStatus | undefined): RunningOperation | undefined {
  if (!known) return undefined;
  const { workflowId, runId, startTime, type } = known;
  return { workflowId, runId, startTime, memo: { type } };
}
