/** One look at one MemoryBlock: read, plan, act, and write the status once. */
import { deadOperation } from '../contract/dead-operation.ts';
import { FINALIZER, operationWorkflowId } from '../contract/names.ts';
import type { OperationStarter } from '../contract/operation-starter.ts';
import type { OperationRequest } from '../contract/operations.ts';
import type { MemoryBlock, MemoryBlockStatus } from '../contract/resources.ts';
import { BlockPlanner, type BlockPlannerDependencies } from './block-planner.ts';
import type { Log } from './cluster.ts';
import type { ControllerMetrics } from './controller-metrics.ts';
import { blockEvent } from './event-of.ts';
import { assumeRunning, findOperation } from './find-operation.ts';
import { LOOK_MS, OperationObserver } from './observe-operation.ts';
import { operationMemo } from './operation-request.ts';
import type { Action, Cancel, DropFinalizer } from './plan.ts';
import type { RecentLockTables } from './recent-lock-tables.ts';
import { OperationRecovery } from './recover-operation.ts';
import { CONFLICT_MS, logFields, StatusReporter } from './report-status.ts';

export interface ReconcileDependencies extends BlockPlannerDependencies {
  readonly starter: OperationStarter;
  readonly locks: RecentLockTables;
  readonly log: Log;
  readonly metrics?: ControllerMetrics;
  /** Called while an operation has waited for locks of `node` for a while. */
  readonly onLongWait: (node: string) => void;
  /** Called with the names of blocks whose turn it may be. */
  readonly onTurn: (blocks: readonly string[]) => void;
}

/** Rejects when the API server cannot be reached. That Temporal cannot be reached is a state like any other. */
export class BlockReconciler {
  readonly #deps: ReconcileDependencies;
  readonly #planner: BlockPlanner;
  readonly #reporter: StatusReporter;
  readonly #recovery: OperationRecovery;
  readonly #observer: OperationObserver;

  constructor(dependencies: ReconcileDependencies) {
    this.#deps = dependencies;
    this.#planner = new BlockPlanner(dependencies);
    this.#reporter = new StatusReporter(dependencies);
    this.#observer = new OperationObserver(dependencies, this.#reporter);
    this.#recovery = new OperationRecovery(dependencies, this.#reporter);
  }

  /** Resolves with the time after which to look again if nothing happens before; undefined: only when something does. */
  async reconcile(name: string): Promise<number | undefined> {
    const cached = this.#deps.caches.blocks.get(name);
    if (!cached?.status?.operation) this.#observer.forget(name);
    if (!cached) return undefined;
    const look = (await this.#rest(cached)) ?? this.#lookedLately(cached) ?? (await this.#lookAtRunning(cached));
    if (look) return look.lookAgainMs;
    const block = await this.#deps.cluster.readBlock(name);
    return block && this.#reconcileLive(block);
  }

  /** The status of `block`, for which nothing runs, where nothing is left to be done but to say so. */
  settledStatus(block: MemoryBlock): MemoryBlockStatus | undefined {
    const action = this.#planner.plan(block, false, undefined);
    const isSettled = action.kind === 'settled' && action.reason === 'Settled';
    return isSettled ? this.#reporter.summarize(block, action) : undefined;
  }

  /** The object went away while it named an operation; as far as the copy tells. */
  async abandon(block: MemoryBlock): Promise<void> {
    const { name, uid } = block.metadata;
    const live = await this.#deps.cluster.readBlock(name);
    if (live?.metadata.uid === uid) return;
    await this.#recovery.abandon(block, await this.#planner.isNodeGone(block));
  }

  /**
   * Most looks end here: there is nothing to do but to say so, and as a rule it is said already. Needs no read of the object:
   * if the copy is old, a write is refused.
   */
  async #rest(block: MemoryBlock): Promise<{ lookAgainMs: number | undefined } | undefined> {
    if (block.status?.operation || block.metadata.deletionTimestamp !== undefined) return undefined;
    const action = this.#planner.plan(block, false, undefined);
    if (action.kind !== 'settled' && action.kind !== 'wait') return undefined;
    this.#queueUp(block, action);
    const lookAgainMs = await this.#reporter.report(block, action, this.#untilMs(action));
    return lookAgainMs === CONFLICT_MS ? undefined : { lookAgainMs };
  }

  #lookedLately(block: MemoryBlock): { lookAgainMs: number } | undefined {
    const operation = assumeRunning(block.status?.operation);
    if (!operation) return undefined;
    const lookAgainMs = this.#observer.holdsForMs(block, operation);
    // Whatever has changed beside the block, such as its node, is in the plan.
    if (lookAgainMs === undefined || this.#planner.plan(block, false, operation).kind !== 'observe') return undefined;
    return { lookAgainMs };
  }

  /** An operation that runs as it should needs no read of its object either. */
  async #lookAtRunning(block: MemoryBlock): Promise<{ lookAgainMs: number | undefined } | undefined> {
    if (!block.status?.operation || block.metadata.deletionTimestamp !== undefined) return undefined;
    let found;
    try {
      found = await findOperation(this.#deps.starter, block.status.operation);
    } catch (error) {
      return { lookAgainMs: await this.#reporter.temporalUnavailable(block, error) };
    }
    if (found?.kind !== 'running') return undefined;
    const action = this.#planner.plan(block, false, found.operation);
    if (action.kind !== 'observe') return undefined;
    const lookAgainMs = await this.#observer.observe(block, action.operation);
    return lookAgainMs === CONFLICT_MS ? undefined : { lookAgainMs };
  }

  async #reconcileLive(block: MemoryBlock): Promise<number | undefined> {
    const isOurs = block.metadata.finalizers?.includes(FINALIZER) ?? false;
    const isDeleting = block.metadata.deletionTimestamp !== undefined;
    const isCrdTerminating = isDeleting && isOurs && (await this.#deps.cluster.isCrdTerminating());
    let found;
    try {
      found = await findOperation(this.#deps.starter, block.status?.operation);
    } catch (error) {
      // Letting an object go needs no Temporal: a deletion with Retain must not hang because it is down.
      const action = this.#planner.plan(block, isCrdTerminating, assumeRunning(block.status?.operation));
      if (action.kind === 'drop-finalizer') return this.#act(block, action);
      return this.#reporter.temporalUnavailable(block, error);
    }
    if (found?.kind === 'closed') return this.#lost(block, found.closedAs, isCrdTerminating);
    return this.#act(block, this.#planner.plan(block, isCrdTerminating, found?.operation));
  }

  /**
   * An operation writes its outcome before it closes. So if the object still names a run that is closed, read after the
   * run was seen closed, then nobody will write its outcome any more.
   */
  async #lost(seen: MemoryBlock, closedAs: string | undefined, isCrdTerminating: boolean): Promise<number | undefined> {
    const block = await this.#deps.cluster.readBlock(seen.metadata.name);
    const named = block?.status?.operation;
    if (!block) return undefined;
    if (!named || named.runId !== seen.status?.operation?.runId) return CONFLICT_MS;
    const dead = deadOperation(named, closedAs);
    if (!dead) return this.#recovery.recordLost(block, named, closedAs);
    const isNodeGone = this.#planner.whyNodeIsGone(block) !== undefined;
    if (isNodeGone && !(await this.#planner.isNodeGone(block))) return LOOK_MS;
    let recovery;
    try {
      if (isNodeGone) await this.#recovery.giveUp(named);
      else recovery = await this.#recovery.start(block, dead);
    } catch (error) {
      return this.#reporter.temporalUnavailable(block, error);
    }
    if (!recovery) return this.#recovery.recordLost(block, named, closedAs);
    if ('kind' in recovery) return this.#reporter.report(block, recovery, LOOK_MS);
    return this.#act(block, this.#planner.plan(block, isCrdTerminating, recovery));
  }

  #queueUp(block: MemoryBlock, action: Action): void {
    const { turns, onTurn } = this.#deps;
    if (action.kind === 'wait' && action.isQueued) turns.wait(block);
    else if (action.kind !== 'start') onTurn(turns.leave(block));
  }

  async #act(block: MemoryBlock, action: Action): Promise<number | undefined> {
    this.#queueUp(block, action);
    switch (action.kind) {
      case 'settled':
      case 'wait':
        return this.#reporter.report(block, action, this.#untilMs(action));
      case 'ensure-finalizer':
        return this.#writeFinalizers(block, [...(block.metadata.finalizers ?? []), FINALIZER]);
      case 'drop-finalizer':
        return this.#drop(block, action);
      case 'start':
        return this.#start(block, action.request);
      case 'observe':
        return this.#observer.observe(block, action.operation);
      case 'cancel':
        return this.#cancel(block, action);
    }
  }

  async #start(block: MemoryBlock, request: OperationRequest): Promise<number | undefined> {
    const { clusterId, starter, clock, log, turns, onTurn } = this.#deps;
    const memo = operationMemo(request);
    const nowMs = clock.nowMs();
    const startTime = new Date(nowMs).toISOString();
    turns.started(block, '', nowMs); // before others look
    let result;
    try {
      result = await starter.start(request, memo);
    } catch (error) {
      onTurn(turns.gone(block));
      return this.#reporter.temporalUnavailable(block, error);
    }
    // The run before has written its outcome, or is forgotten already, and is just closing.
    if (result.runId === '' || result.runId === block.status?.lastOperation?.runId) return CONFLICT_MS;
    turns.started(block, result.runId, nowMs);
    const workflowId = operationWorkflowId(clusterId, block.spec.nodeName, block.spec.blockId);
    const run = { workflowId, runId: result.runId, operation: request.type };
    if (result.kind === 'started') log.info('operation started', { ...logFields(block), ...run });
    else log.debug('operation runs already', { ...logFields(block), ...run });
    const theirs = result.kind === 'already-running' ? result.memo : memo;
    const operation = { workflowId, runId: result.runId, startTime, memo: theirs };
    return this.#observer.report(block, operation, LOOK_MS);
  }

  async #cancel(block: MemoryBlock, action: Cancel): Promise<number | undefined> {
    if (action.reason === 'NodeGone' && !(await this.#planner.isNodeGone(block))) return LOOK_MS;
    try {
      await this.#deps.starter.cancel(action.operation.workflowId, action.operation.runId);
    } catch (error) {
      return this.#reporter.temporalUnavailable(block, error);
    }
    return this.#reporter.report(block, action, LOOK_MS);
  }

  async #drop(block: MemoryBlock, action: DropFinalizer): Promise<number | undefined> {
    if (action.reason === 'NodeGone' && !(await this.#planner.isNodeGone(block))) return LOOK_MS;
    if (action.reason) {
      await this.#deps.cluster.recordEvent(block, blockEvent(block, action.reason, action.why, 'DropFinalizer'));
    }
    this.#deps.log.info('finalizer dropped', { ...logFields(block), detail: action.why });
    const others = (block.metadata.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER);
    return this.#writeFinalizers(block, others);
  }

  /** The change comes back through the watch, so there is nothing to look at until then. */
  async #writeFinalizers(block: MemoryBlock, finalizers: readonly string[]): Promise<number | undefined> {
    const result = await this.#deps.cluster.writeFinalizers(block, finalizers);
    return result === 'conflict' ? CONFLICT_MS : undefined;
  }

  #untilMs(action: Action): number | undefined {
    if (action.kind !== 'wait' || action.untilMs === undefined) return undefined;
    return Math.max(0, action.untilMs - this.#deps.clock.nowMs());
  }
}
