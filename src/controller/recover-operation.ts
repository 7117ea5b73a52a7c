/**
 * Operations that ended without an outcome: what they owe to the notifiers is delivered by a recovery, which runs under
 * the block's workflow id. Until that has recorded the outcome, status.operation goes on naming the run that died; so a
 * recovery that dies as well is simply started again.
 */
import { deadOperation, describeDeath, type DeadOperation } from '../contract/dead-operation.ts';
import { operationWorkflowId } from '../contract/names.ts';
import type { OperationStarter } from '../contract/operation-starter.ts';
import type { MemoryBlock, OperationStatus } from '../contract/resources.ts';
import type { Clock } from './clock.ts';
import type { Log } from './cluster.ts';
import type { ControllerMetrics } from './controller-metrics.ts';
import { findOperation } from './find-operation.ts';
import { operationMemo, recoveryRequest } from './operation-request.ts';
import type { RunningOperation, Wait } from './plan.ts';
import { applyOutcome, lostOutcome } from './record-outcome.ts';
import { CONFLICT_MS, logFields, type StatusReporter } from './report-status.ts';

export interface RecoveryDependencies {
  readonly clusterId: string;
  readonly starter: OperationStarter;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: Pick<ControllerMetrics, 'operationEnded'>;
}

export class OperationRecovery {
  readonly #deps: RecoveryDependencies;
  readonly #reporter: StatusReporter;

  constructor(dependencies: RecoveryDependencies, reporter: StatusReporter) {
    this.#deps = dependencies;
    this.#reporter = reporter;
  }

  /** Nothing is owed: records at once that the run is lost. Resolves with the time after which to look again. */
  async recordLost(block: MemoryBlock, named: OperationStatus, closedAs: string | undefined): Promise<number> {
    const status = applyOutcome(block.status ?? {}, {
      outcome: lostOutcome(named, closedAs),
      runId: named.runId,
      generation: named.generation ?? block.metadata.generation ?? 0,
      nowMs: this.#deps.clock.nowMs(),
    });
    this.#deps.log.warn('operation closed without an outcome', logFields(block, named));
    const written = await this.#reporter.write(block, status);
    if (written === 'written') this.#deps.metrics?.operationEnded(named.type, 'Unknown', undefined);
    return CONFLICT_MS;
  }

  /** Starts the recovery, or finds it running. A wait: another operation of this block runs, which delivers the debt itself. */
  async start(block: MemoryBlock, dead: DeadOperation): Promise<RunningOperation | Wait> {
    const { clusterId, starter, clock, log } = this.#deps;
    const request = recoveryRequest(clusterId, block, dead);
    const memo = operationMemo(request);
    const startTime = new Date(clock.nowMs()).toISOString();
    const result = await starter.start(request, memo);
    const workflowId = operationWorkflowId(clusterId, block.spec.nodeName, block.spec.blockId);
    if (result.kind === 'started') {
      log.warn('operation closed without an outcome; recovering', { ...logFields(block), recovery: result.runId });
      return { workflowId, runId: result.runId, startTime, memo };
    }
    if (result.memo.recovers === undefined) {
      const message = `${describeDeath(dead)}; what it owes is delivered once ${result.memo.type} has its locks`;
      return { kind: 'wait', reason: 'Operating', message };
    }
    return { workflowId, runId: result.runId, startTime: result.startTime, memo: result.memo };
  }

  /** The node is gone: nobody is owed anything, and a recovery that waits for its agent would wait for ever. */
  async giveUp({ workflowId }: OperationStatus): Promise<void> {
    const { starter } = this.#deps;
    const latest = await starter.describe(workflowId);
    if (latest?.isRunning && latest.memo.recovers !== undefined) await starter.cancel(workflowId, latest.runId);
  }

  /** The object is gone, so that nobody looks at it again: what runs is cancelled, what has died is recovered. */
  async abandon(block: MemoryBlock, isNodeGone: boolean): Promise<void> {
    const named = block.status?.operation;
    const found = await findOperation(this.#deps.starter, named);
    if (!named || !found) return;
    if (found.kind === 'running') {
      // The operation decides what that means.
      await this.#deps.starter.cancel(named.workflowId, named.runId);
      return;
    }
    const dead = deadOperation(named, found.closedAs);
    if (!dead) return;
    if (isNodeGone) await this.giveUp(named);
    else await this.start(block, dead);
  }
}
