/** How a workflow speaks with the agent of its node: by activities on the node's own task queue. */
import { ActivityFailure } from '@temporalio/common';
import {
  CancellationScope,
  isCancellation,
  patched,
  proxyActivities,
  type ActivityInterfaceFor,
} from '@temporalio/workflow';
import type { NodeActivities } from '../src/contract/activities.ts';
import { nodeTaskQueue } from '../src/contract/names.ts';
import type { OperationInput, OperationPhase, OperationTimings } from '../src/contract/operations.ts';
import { failed, type Ending } from './ending.ts';
import { isNotStarted } from './not-started.ts';

/** An activity without a time of its own is quick; a silent one is given to the next agent much earlier. */
export const STEP_MS = 60_000;

/** The workflow that speaks. */
export interface NodeQueueContext {
  readonly input: OperationInput;
  readonly timings: OperationTimings;
  readonly isCancelled: boolean;
  readonly cancelRequested: Promise<void>;
  enter(phase: OperationPhase['phase'], detail?: string): void;
  tell(line: string): void;
  /** Called before a wait for the agent that may last for ever: whoever else can do without this node should. */
  beforeLongWait(): Promise<void>;
}

/** One call of one activity. */
export type NodeCall<T> = (
  activities: ActivityInterfaceFor<NodeActivities>,
  options: { readonly summary: string },
) => Promise<T>;

export class NodeQueue {
  private readonly context: NodeQueueContext;

  constructor(context: NodeQueueContext) {
    this.context = context;
  }

  /** The agent must begin within `agentStartMs`: nothing has been done yet, so nothing is waited for. */
  async promptly<T>(summary: string, call: NodeCall<T>): Promise<T | Ending> {
    try {
      return await call(this.activities(STEP_MS, this.context.timings.agentStartMs), { summary });
    } catch (error) {
      if (!isNotStarted(error)) throw error;
      return failed('ETIMEDOUT', this.silence(), 'AgentUnavailable');
    }
  }

  /** Waits for the agent as long as it takes: the operation has begun, and the node must hear of it. */
  async patiently<T>(summary: string, timeoutMs: number, call: NodeCall<T>): Promise<T> {
    const { context } = this;
    try {
      return await call(this.activities(timeoutMs, context.timings.agentStartMs), { summary });
    } catch (error) {
      if (!isNotStarted(error)) throw error;
    }
    const message = `the agent of ${context.input.node} does not answer; ${summary} waits for it, holding its locks`;
    context.enter('WaitingForAgent', message);
    context.tell(message);
    await context.beforeLongWait();
    return call(this.activities(timeoutMs), { summary });
  }

  /**
   * Cancelling the workflow interrupts `call`: the result is `interrupted` then, or when it never began, or when its agent
   * has gone. What it has done all the same, the node must be asked.
   */
  async interruptible<T>(interrupted: T, call: () => Promise<T>): Promise<T> {
    const { context } = this;
    if (context.isCancelled) return interrupted;
    const scope = new CancellationScope({ cancellable: true });
    void context.cancelRequested.then(() => scope.cancel());
    try {
      return await scope.run(call);
    } catch (error) {
      if (isCancellation(error) || this.isLastAttempt(error)) return interrupted;
      throw error;
    }
  }

  /** What to tell when the agent does not answer. */
  silence(): string {
    const { input, timings } = this.context;
    return `the agent of ${input.node} has not answered for ${String(timings.agentStartMs / 1000)} s; is it running?`;
  }

  /** Temporal tries again for ever, but not what was cancelled: an agent that goes away then fails the activity. */
  private isLastAttempt(error: unknown): boolean {
    return error instanceof ActivityFailure && this.context.isCancelled && patched('cancelled-without-agent');
  }

  private activities(startToCloseTimeout: number, scheduleToStartTimeout?: number) {
    const { input, timings } = this.context;
    return proxyActivities<NodeActivities>({
      taskQueue: nodeTaskQueue(input.cluster, input.node),
      startToCloseTimeout,
      heartbeatTimeout: timings.heartbeatMs,
      cancellationType: 'WAIT_CANCELLATION_COMPLETED',
      retry: { initialInterval: '200 milliseconds', maximumInterval: '10 seconds' },
      ...(scheduleToStartTimeout === undefined ? {} : { scheduleToStartTimeout }),
    });
  }
}
