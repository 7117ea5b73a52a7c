/** Starts one operation workflow, with everything that makes it readable in the Temporal UI. */
import type { Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { blockIdsOf } from '../contract/driver.ts';
import { operationsTaskQueue } from '../contract/names.ts';
import { describeDeath, RECOVERY_WORKFLOW, type RecoveryRequest } from '../contract/dead-operation.ts';
import { OPERATION_WORKFLOW, type OperationRequest } from '../contract/operations.ts';
import { formatAddress, formatBytes } from '../contract/quantity.ts';
import { operationMemo } from '../controller/operation-request.ts';
import { searchAttributeKeys } from './search-attribute-keys.ts';

/**
 * How long a workflow whose operator died waits before another takes it up, holding its locks. A task takes milliseconds;
 * the server's default of 10 s is for code that computes.
 */
export const WORKFLOW_TASK_TIMEOUT = '5 seconds';

export interface StartOperationOptions {
  readonly workflowId: string;
  readonly request: OperationRequest | RecoveryRequest;
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
  const handle = await client.workflow.start(workflowTypeOf(request), {
    workflowId,
    taskQueue: operationsTaskQueue(input.cluster),
    args: [input],
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    workflowIdConflictPolicy: 'FAIL',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    memo: { ...operationMemo(request) },
    staticSummary: `${deedOf(request)} ${what} on ${input.node}`,
    staticDetails: detailsOf(request),
    typedSearchAttributes: new TypedSearchAttributes([
      { key: searchAttributeKeys.node, value: input.node },
      { key: searchAttributeKeys.block, value: input.block?.name ?? `${input.node} ${what}` },
      { key: searchAttributeKeys.operation, value: type },
    ]),
  });
  return handle.firstExecutionRunId;
}

function workflowTypeOf({ type }: OperationRequest | RecoveryRequest): string {
  return type === 'recover' ? RECOVERY_WORKFLOW : OPERATION_WORKFLOW[type];
}

/** `online`, `recover online` */
function deedOf({ type, input }: OperationRequest | RecoveryRequest): string {
  return type === 'recover' ? `recover ${input.dead.type}` : type;
}

function describe(request: OperationRequest | RecoveryRequest, blockSizeBytes = 0): string {
  if ('blockId' in request.input) return `memory${String(request.input.blockId)}`;
  const { range } = request.input;
  const [blockId, ...more] = blockSizeBytes > 0 ? blockIdsOf(range, blockSizeBytes) : [];
  if (blockId !== undefined && more.length === 0) return `memory${String(blockId)}`;
  return `${formatBytes(range.size)} at ${formatAddress(range.start)}`;
}

function detailsOf(request: OperationRequest | RecoveryRequest): string {
  const { input } = request;
  const block = input.block;
  const rows = [
    ['operation', workflowTypeOf(request)],
    ['because', 'dead' in input ? describeDeath(input.dead) : ''],
    ['node', input.node],
    ['MemoryBlock', block ? `${block.name}, generation ${String(block.generation)}` : 'none: started directly'],
    ['online type', 'onlineType' in input ? input.onlineType : ''],
    ['lock timeout', `${String(input.lockTimeoutMs / 1000)} s`],
  ].filter(([, value]) => value !== '');
  return ['| | |', '| --- | --- |', ...rows.map(([name, value]) => `| ${String(name)} | ${String(value)} |`)].join(
    '\n',
  );
}
