/** Driver steps of an operation: activities on the node's own task queue, carried out by its agent. */
import { CancellationScope, isCancellation, proxyActivities } from '@temporalio/workflow';
import { ActivityFailure, TimeoutFailure, TimeoutType } from '@temporalio/common';
import type { NodeActivities } from '../src/contract/activities.ts';
import type {
  DriverCall,
  DriverResult,
  DriverStep,
  MemoryRange,
  NodeInspection,
  RunReference,
} from '../src/contract/driver.ts';
import { nodeTaskQueue } from '../src/contract/names.ts';
import type { OperationInput, OperationPhase, OperationTimings } from '../src/contract/operations.ts';
import { failed, type Ending } from './ending.ts';
import type { LockClient } from './lock-client.ts';

/** What a step needs beyond what the operation knows. */
export type StepArguments = Pick<
  DriverCall,
  'operation' | 'range' | 'blockId' | 'onlineType' | 'numaNode' | 'timeoutMs'
>;

/** A step without a timeout of its own is quick; a silent one is given to the next agent much earlier. */
const STEP_MS = 60_000;

/** The operation that the steps belong to. */
export interface DriverContext {
  readonly input: OperationInput;
  readonly owner: RunReference;
  readonly timings: OperationTimings;
  readonly locks: LockClient;
  readonly bootId: string | undefined;
  readonly isCancelled: boolean;
  readonly cancelRequested: Promise<void>;
  enter(phase: OperationPhase['phase'], detail?: string): void;
  tell(line: string): void;
}

/** Which blocks an operation is about. */
export type Where = { readonly blockIds: readonly number[] } | { readonly range: MemoryRange };

export class Driver {
  private readonly operation: DriverContext;

  constructor(operation: DriverContext) {
    this.operation = operation;
  }

  /** The node as it is now. The agent must begin within `agentStartMs`: nothing has been done yet, so nothing is waited for. */
  async inspect(where: Where): Promise<NodeInspection | Ending> {
    const { node } = this.operation.input;
    const { agentStartMs } = this.operation.timings;
    const { inspect } = this.activities(STEP_MS, agentStartMs);
    try {
      return await inspect.executeWithOptions({ summary: `look at ${node}` }, [{ node, ...where }]);
    } catch (error) {
      if (!isNotStarted(error)) throw error;
      const message = `the agent of ${node} has not answered for ${String(agentStartMs / 1000)} s; is it running?`;
      return failed('ETIMEDOUT', message, 'AgentUnavailable');
    }
  }

  /** One step, with the tokens of all locks held. Waits for the agent as long as it takes: the operation has begun. */
  async step(step: DriverStep, args: StepArguments): Promise<DriverResult> {
    const { operation } = this;
    operation.enter('Driving', step);
    const call: DriverCall = {
      node: operation.input.node,
      step,
      owner: operation.owner,
      tokens: operation.locks.tokens,
      bootId: operation.bootId ?? '',
      ...(operation.input.withoutDeviceHotplugLock ? { withoutDeviceHotplugLock: true } : {}),
      ...args,
    };
    const result = await this.carryOut(call);
    const what = `driver: ${summaryOf(call)}`;
    operation.tell(
      result.ok
        ? `${what}${result.zone ? ` (zone ${result.zone})` : ''}`
        : `${what}: ${result.errno}: ${result.message}`,
    );
    return result;
  }

  private async carryOut(call: DriverCall): Promise<DriverResult> {
    const { agentStartMs } = this.operation.timings;
    const options = { summary: summaryOf(call) };
    const timeoutMs = STEP_MS + (call.timeoutMs ?? 0);
    try {
      return await this.activities(timeoutMs, agentStartMs).driverStep.executeWithOptions(options, [call]);
    } catch (error) {
      if (!isNotStarted(error)) throw error;
    }
    const message = `the agent of ${call.node} does not answer; ${summaryOf(call)} waits for it, holding its locks`;
    this.operation.enter('WaitingForAgent', message);
    this.operation.tell(message);
    return this.activities(timeoutMs).driverStep.executeWithOptions(options, [call]);
  }

  private activities(startToCloseTimeout: number, scheduleToStartTimeout?: number) {
    const { cluster, node } = this.operation.input;
    return proxyActivities<NodeActivities>({
      taskQueue: nodeTaskQueue(cluster, node),
      startToCloseTimeout,
      heartbeatTimeout: this.operation.timings.heartbeatMs,
      cancellationType: 'WAIT_CANCELLATION_COMPLETED',
      retry: { initialInterval: '200 milliseconds', maximumInterval: '10 seconds' },
      ...(scheduleToStartTimeout === undefined ? {} : { scheduleToStartTimeout }),
    });
  }

  /** As `step`, but cancelling the operation interrupts it: then, or when it never began, the result is EINTR. */
  async interruptibleStep(step: DriverStep, args: StepArguments): Promise<DriverResult> {
    const { operation } = this;
    const interrupted: DriverResult = { ok: false, errno: 'EINTR', message: 'cancelled' };
    if (operation.isCancelled) return interrupted;
    const scope = new CancellationScope({ cancellable: true });
    void operation.cancelRequested.then(() => scope.cancel());
    try {
      return await scope.run(() => this.step(step, args));
    } catch (error) {
      if (isCancellation(error)) return interrupted;
      throw error;
    }
  }
}

function summaryOf(call: DriverCall): string {
  const what = call.blockId === undefined ? `0x${call.range.start.toString(16)}` : `memory${String(call.blockId)}`;
  return `${call.step} ${call.operation} ${what}`;
}

function isNotStarted(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof TimeoutFailure &&
    error.cause.timeoutType === TimeoutType.SCHEDULE_TO_START
  );
}
