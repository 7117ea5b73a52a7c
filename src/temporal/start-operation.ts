/** Starts one operation workflow, with everything that makes it readable in the Temporal UI. */
import type { Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { blockIdsOf } from '../contract/driver.ts';
import { operationsTaskQueue } from '../contract/names.ts';
import { OPERATION_WORKFLOW, type OperationMemo, type OperationRequest } from '../contract/operations.ts';
import { formatAddress, formatBytes } from '../contract/quantity.ts';
import { searchAttributeKeys } from './search-attribute-keys.ts';

/**
 * How long a workflow whose operator died waits before another takes it up, holding its locks. A task takes milliseconds;
 * the server's default of 10 s is for code that computes.
 */
export const WORKFLOW_TASK_TIMEOUT = '5 seconds';

export interface StartOperationOptions {
  readonly workflowId: string;
  readonly request: OperationRequest;
  /** Of the node; only for words, so 0 when it is not known. */
  readonly blockSizeBytes?: number;
}

/**
 * Starts it and returns its run id. Rejects with WorkflowExecutionAlreadyStartedError while one with this id runs; a
 * closed one does not stand in the way.
 */
export async function startOperation(client: Client, options: StartOperationOptions): Promise<string> {
  const { workflowId, request } = options;
  const { type, input } = request;
  const what = describe(request, options.blockSizeBytes);
  const memo: OperationMemo = {
    type,
    ...(input.block ? { uid: input.block.uid, generation: input.block.generation } : {}),
  };
  const handle = await client.workflow.start(OPERATION_WORKFLOW[type], {
    workflowId,
    taskQueue: operationsTaskQueue(input.cluster),
    args: [input],
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    workflowIdConflictPolicy: 'FAIL',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    memo: { ...memo },
    staticSummary: `${type} ${what} on ${input.node}`,
    staticDetails: detailsOf(request),
    typedSearchAttributes: new TypedSearchAttributes([
      { key: searchAttributeKeys.node, value: input.node },
      { key: searchAttributeKeys.block, value: input.block?.name ?? `${input.node} ${what}` },
      { key: searchAttributeKeys.operation, value: type },
    ]),
  });
  return handle.firstExecutionRunId;
}

function describe(request: OperationRequest, blockSizeBytes = 0): string {
  if ('blockId' in request.input) return `memory${String(request.input.blockId)}`;
  const { range } = request.input;
  const [blockId, ...more] = blockSizeBytes > 0 ? blockIdsOf(range, blockSizeBytes) : [];
  if (blockId !== undefined && more.length === 0) return `memory${String(blockId)}`;
  return `${formatBytes(range.size)} at ${formatAddress(range.start)}`;
}

function detailsOf({ type, input }: OperationRequest): string {
  const block = input.block;
  const rows = [
    ['operation', OPERATION_WORKFLOW[type]],
    ['node', input.node],
    ['MemoryBlock', block ? `${block.name}, generation ${String(block.generation)}` : 'none: started directly'],
    ['online type', 'onlineType' in input ? input.onlineType : ''],
    ['lock timeout', `${String(input.lockTimeoutMs / 1000)} s`],
  ].filter(([, value]) => value !== '');
  return ['| | |', '| --- | --- |', ...rows.map(([name, value]) => `| ${String(name)} | ${String(value)} |`)].join(
    '\n',
  );
}
