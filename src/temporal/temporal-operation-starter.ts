/** Starts, describes and cancels operations on the real server, for the controller. */
import {
  WorkflowExecutionAlreadyStartedError,
  type Client,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { QueryNotRegisteredError, QueryRejectedError, ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { blockIdsOf } from '../contract/driver.ts';
import type { RecoveryRequest } from '../contract/dead-operation.ts';
import { operationWorkflowId } from '../contract/names.ts';
import type { OperationDescription, OperationStarter, StartResult } from '../contract/operation-starter.ts';
import {
  OPERATION_PHASE_QUERY,
  type OperationMemo,
  type OperationPhase,
  type OperationRequest,
} from '../contract/operations.ts';
import { operationMemo } from '../controller/operation-request.ts';
import { asNotSetUp } from './check-namespace.ts';
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

  async start(request: OperationRequest | RecoveryRequest): Promise<StartResult> {
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
    if (!running) {
      const { type } = operationMemo(request);
      return { kind: 'already-running', runId: '', memo: { type }, startTime: new Date().toISOString() };
    }
    const { runId, memo, startTime } = running;
    return { kind: 'already-running', runId, memo, startTime };
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

  async phase(workflowId: string, runId: string): Promise<OperationPhase | undefined> {
    const handle = this.client.workflow.getHandle(workflowId, runId);
    try {
      return await this.within(QUERY_MS, () => handle.query<OperationPhase>(OPERATION_PHASE_QUERY));
    } catch (error) {
      const noAnswer = [QueryNotRegisteredError, QueryRejectedError, WorkflowNotFoundError, ServiceError];
      if (noAnswer.some((kind) => error instanceof kind)) return undefined;
      throw error;
    }
  }

  private async within<T>(limitMs: number, call: () => Promise<T>): Promise<T> {
    try {
      return await this.client.connection.withDeadline(Date.now() + limitMs, call);
    } catch (error) {
      throw asNotSetUp(error, this.client.options.namespace) ?? error;
    }
  }

  private workflowIdOf({ input }: OperationRequest | RecoveryRequest): string {
    const blockId = 'blockId' in input ? input.blockId : (blockIdsOf(input.range, input.range.size)[0] ?? 0);
    return operationWorkflowId(this.cluster, input.node, blockId);
  }
}

/** Operations that the controller starts are about one block: its range is one block long. */
function sizeOf({ input }: OperationRequest | RecoveryRequest): number {
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
