/** Starts, describes and cancels operations on the real server, for the controller. */
import {
  WorkflowExecutionAlreadyStartedError,
  type Client,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { QueryNotRegisteredError, QueryRejectedError, ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { blockIdsOf } from '../contract/driver.ts';
import { LOCK_TABLE_QUERY, type LockTableView } from '../contract/locks.ts';
import { nodeLocksWorkflowId, operationWorkflowId } from '../contract/names.ts';
import type {
  OperationDescription,
  OperationProgress,
  OperationStarter,
  StartResult,
} from '../contract/operation-starter.ts';
import {
  OPERATION_PHASE_QUERY,
  type OperationMemo,
  type OperationPhase,
  type OperationRequest,
} from '../contract/operations.ts';
import { startOperation } from './start-operation.ts';

/**
 * The client retries a server that does not answer for some 20 s. A user who looks at a block should learn sooner that the
 * server is away; the controller tries again by itself. A start that did get through is then found running.
 */
const CALL_MS = 5_000;
/** A query is answered by a worker in milliseconds, or not now. */
const QUERY_MS = 2_000;

export class TemporalOperationStarter implements OperationStarter {
  private readonly client: Client;
  private readonly cluster: string;

  constructor(client: Client, cluster: string) {
    this.client = client;
    this.cluster = cluster;
  }

  async start(request: OperationRequest): Promise<StartResult> {
    const workflowId = this.workflowIdOf(request);
    try {
      const options = { workflowId, request, blockSizeBytes: sizeOf(request) };
      const runId = await this.within(CALL_MS, () => startOperation(this.client, options));
      return { kind: 'started', runId };
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    const running = await this.describe(workflowId);
    // It has closed in between and is forgotten already: the next look finds the way free.
    if (!running) return { kind: 'already-running', runId: '', memo: { type: request.type } };
    return { kind: 'already-running', runId: running.runId, memo: running.memo };
  }

  async describe(workflowId: string, runId?: string): Promise<OperationDescription | undefined> {
    try {
      const handle = this.client.workflow.getHandle(workflowId, runId);
      return describedBy(await this.within(CALL_MS, () => handle.describe()));
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }

  async cancel(workflowId: string, runId: string): Promise<void> {
    try {
      const handle = this.client.workflow.getHandle(workflowId, runId);
      await this.within(CALL_MS, () => handle.cancel());
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }

  async phase(workflowId: string, runId: string): Promise<OperationProgress | undefined> {
    const progress = await this.query<OperationPhase>(workflowId, runId, OPERATION_PHASE_QUERY);
    if (progress?.phase !== 'WaitingForLocks') return progress;
    const table = await this.query<LockTableView>(this.locksIdOf(workflowId), undefined, LOCK_TABLE_QUERY);
    return { ...progress, holders: holdersInTheWay(table, runId) };
  }

  private async query<T>(workflowId: string, runId: string | undefined, name: string): Promise<T | undefined> {
    const handle = this.client.workflow.getHandle(workflowId, runId);
    try {
      return await this.within(QUERY_MS, () => handle.query<T>(name));
    } catch (error) {
      const noAnswer = [QueryNotRegisteredError, QueryRejectedError, WorkflowNotFoundError, ServiceError];
      if (noAnswer.some((kind) => error instanceof kind)) return undefined;
      throw error;
    }
  }

  private within<T>(limitMs: number, call: () => Promise<T>): Promise<T> {
    return this.client.connection.withDeadline(Date.now() + limitMs, call);
  }

  private workflowIdOf({ input }: OperationRequest): string {
    const blockId = 'blockId' in input ? input.blockId : (blockIdsOf(input.range, input.range.size)[0] ?? 0);
    return operationWorkflowId(this.cluster, input.node, blockId);
  }

  /** `<cluster>/memoryblock/<node>/<blockId>` → the lock entity of its node. */
  private locksIdOf(workflowId: string): string {
    const [node = ''] = workflowId.slice(`${this.cluster}/memoryblock/`.length).split('/');
    return nodeLocksWorkflowId(this.cluster, node);
  }
}

/** Operations that the controller starts are about one block: its range is one block long. */
function sizeOf({ input }: OperationRequest): number {
  return 'range' in input ? input.range.size : 0;
}

function describedBy(description: WorkflowExecutionDescription): OperationDescription {
  const { workflowId, runId, status, startTime, memo } = description;
  const isRunning = status.name === 'RUNNING';
  return {
    workflowId,
    runId,
    isRunning,
    memo: memo as unknown as OperationMemo,
    startTime: startTime.toISOString(),
    ...(isRunning ? {} : { closedAs: status.name }),
  };
}

/** Who holds, or waits ahead for, what run `runId` waits for. */
function holdersInTheWay(table: LockTableView | undefined, runId: string): readonly string[] {
  return (table?.locks ?? [])
    .filter(({ waiters }) => waiters.some((waiter) => waiter.runId === runId))
    .flatMap(({ name, holders }) => holders.map((holder) => `${holder.purpose} holds ${name} since ${holder.since}`));
}
