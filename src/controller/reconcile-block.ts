/** One look at one MemoryBlock: read, plan, act, and write the status once. */
import { FINALIZER, operationWorkflowId } from '../contract/names.ts';
import type { OperationProgress, OperationStarter } from '../contract/operation-starter.ts';
import type { OperationRequest } from '../contract/operations.ts';
import type { MemoryBlock, MemoryBlockStatus } from '../contract/resources.ts';
import type { Clock } from './clock.ts';
import type { Caches, Cluster, Log, WriteResult } from './cluster.ts';
import { blockEvent, eventOf } from './event-of.ts';
import { assumeRunning, findOperation } from './find-operation.ts';
import { whyNodeIsGone } from './node-presence.ts';
import { operationMemo } from './operation-request.ts';
import { isSameStatus } from './operator-fields.ts';
import { plan, type Action, type DropFinalizer, type RunningOperation } from './plan.ts';
import { applyOutcome, lostOutcome } from './record-outcome.ts';
import { registeredNotifiers } from './registered-notifiers.ts';
import { summarize } from './summarize.ts';

/** How often a running operation is looked at; also how long a wait lasts before it is worth showing. */
const LOOK_MS = 5_000;
/** Somebody else has just written the object: their change is read at once, but two writers must not spin. */
const CONFLICT_MS = 20;
/** Temporal's own client has retried for seconds already. */
const TEMPORAL_RETRY_MS = 5_000;

export interface ReconcileDependencies {
  readonly clusterId: string;
  readonly caches: Caches;
  readonly cluster: Cluster;
  readonly starter: OperationStarter;
  readonly clock: Clock;
  readonly log: Log;
}

/** Rejects when the API server cannot be reached. That Temporal cannot be reached is a state like any other. */
export class BlockReconciler {
  readonly #deps: ReconcileDependencies;

  constructor(dependencies: ReconcileDependencies) {
    this.#deps = dependencies;
  }

  /** Resolves with the time after which to look again if nothing happens before; undefined: only when something does. */
  async reconcile(name: string): Promise<number | undefined> {
    const cached = this.#deps.caches.blocks.get(name);
    if (!cached) return undefined;
    const idle = this.#idle(cached);
    if (idle) return idle.lookAgainMs;
    const block = await this.#deps.cluster.readBlock(name);
    return block && this.#reconcileLive(block);
  }

  /** Most looks end here, without a request to any server: nothing to do, and the status says so already. */
  #idle(block: MemoryBlock): { lookAgainMs: number | undefined } | undefined {
    if (block.status?.operation || block.metadata.deletionTimestamp !== undefined) return undefined;
    const action = this.#plan(block, false, undefined);
    if (action.kind !== 'settled' && action.kind !== 'wait') return undefined;
    if (!isSameStatus(block.status, this.#summarize(block, action))) return undefined;
    return { lookAgainMs: this.#untilMs(action) };
  }

  async #reconcileLive(block: MemoryBlock): Promise<number | undefined> {
    const isOurs = block.metadata.finalizers?.includes(FINALIZER) ?? false;
    const isDeleting = block.metadata.deletionTimestamp !== undefined;
    const isCrdTerminating = isDeleting && isOurs && (await this.#deps.cluster.isCrdTerminating());
    let operation: RunningOperation | undefined;
    try {
      const found = await findOperation(this.#deps.starter, block.status?.operation);
      if (found?.kind === 'closed') return await this.#recordLost(block, found.closedAs);
      operation = found?.operation;
    } catch (error) {
      // Letting an object go needs no Temporal: a deletion with Retain must not hang because it is down.
      const action = this.#plan(block, isCrdTerminating, assumeRunning(block.status?.operation));
      if (action.kind === 'drop-finalizer') return this.#act(block, action);
      return this.#temporalUnavailable(block, error);
    }
    const action = this.#plan(block, isCrdTerminating, operation);
    return this.#act(block, action);
  }

  /**
   * An operation writes its outcome before it closes. So if the object still names a run that is closed, read after the
   * run was seen closed, then nobody will write its outcome any more.
   */
  async #recordLost(seen: MemoryBlock, closedAs: string | undefined): Promise<number | undefined> {
    const block = await this.#deps.cluster.readBlock(seen.metadata.name);
    const operation = block?.status?.operation;
    if (!block) return undefined;
    if (!operation || operation.runId !== seen.status?.operation?.runId) return CONFLICT_MS;
    const status = applyOutcome(block.status ?? {}, {
      outcome: lostOutcome(operation, closedAs),
      runId: operation.runId,
      generation: operation.generation ?? block.metadata.generation ?? 0,
      nowMs: this.#deps.clock.nowMs(),
    });
    this.#deps.log.warn('operation closed without an outcome', this.#fields(block, operation));
    await this.#write(block, status);
    return CONFLICT_MS;
  }

  async #act(block: MemoryBlock, action: Action): Promise<number | undefined> {
    switch (action.kind) {
      case 'settled':
      case 'wait':
        return this.#report(block, action, this.#untilMs(action));
      case 'ensure-finalizer':
        return this.#writeFinalizers(block, [...(block.metadata.finalizers ?? []), FINALIZER]);
      case 'drop-finalizer':
        return this.#drop(block, action);
      case 'start':
        return this.#start(block, action.request);
      case 'observe':
        return this.#observe(block, action.operation);
      case 'cancel':
        return this.#cancel(block, action);
    }
  }

  async #start(block: MemoryBlock, request: OperationRequest): Promise<number | undefined> {
    const { clusterId, starter, clock, log } = this.#deps;
    const memo = operationMemo(request);
    const startTime = new Date(clock.nowMs()).toISOString();
    let result;
    try {
      result = await starter.start(request, memo);
    } catch (error) {
      return this.#temporalUnavailable(block, error);
    }
    // The run before has written its outcome, or is forgotten already, and is just closing.
    if (result.runId === '' || result.runId === block.status?.lastOperation?.runId) return CONFLICT_MS;
    const workflowId = operationWorkflowId(clusterId, block.spec.nodeName, block.spec.blockId);
    log.info('operation', {
      ...this.#fields(block),
      workflowId,
      runId: result.runId,
      type: request.type,
      start: result.kind,
    });
    const theirs = result.kind === 'already-running' ? result.memo : memo;
    const operation = { workflowId, runId: result.runId, startTime, memo: theirs };
    return this.#report(block, { kind: 'observe', operation }, LOOK_MS);
  }

  async #observe(block: MemoryBlock, operation: RunningOperation): Promise<number | undefined> {
    const ageMs = this.#deps.clock.nowMs() - Date.parse(operation.startTime);
    if (ageMs < LOOK_MS) return this.#report(block, { kind: 'observe', operation }, LOOK_MS - Math.max(0, ageMs));
    let progress: OperationProgress | undefined;
    try {
      progress = await this.#deps.starter.phase(operation.workflowId, operation.runId);
    } catch (error) {
      return this.#temporalUnavailable(block, error);
    }
    return this.#report(block, { kind: 'observe', operation }, LOOK_MS, progress);
  }

  async #cancel(block: MemoryBlock, action: Extract<Action, { kind: 'cancel' }>): Promise<number | undefined> {
    try {
      await this.#deps.starter.cancel(action.operation.workflowId, action.operation.runId);
    } catch (error) {
      return this.#temporalUnavailable(block, error);
    }
    return this.#report(block, action, LOOK_MS);
  }

  /** That a node is gone is only believed when the server says so now. */
  async #drop(block: MemoryBlock, action: DropFinalizer): Promise<number | undefined> {
    if (action.reason === 'NodeGone' && !(await this.#isNodeGone(block.spec.nodeName))) return LOOK_MS;
    if (action.reason) {
      await this.#deps.cluster.recordEvent(block, blockEvent(block, action.reason, action.why, 'DropFinalizer'));
    }
    this.#deps.log.info('finalizer dropped', { ...this.#fields(block), why: action.why });
    const others = (block.metadata.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER);
    return this.#writeFinalizers(block, others);
  }

  async #isNodeGone(name: string): Promise<boolean> {
    const { cluster } = this.#deps;
    const [nodeMemory, node] = await Promise.all([cluster.readNodeMemory(name), cluster.readNode(name)]);
    return whyNodeIsGone(name, nodeMemory, node) !== undefined;
  }

  /** The change comes back through the watch, so there is nothing to look at until then. */
  async #writeFinalizers(block: MemoryBlock, finalizers: readonly string[]): Promise<number | undefined> {
    const result = await this.#deps.cluster.writeFinalizers(block, finalizers);
    return result === 'conflict' ? CONFLICT_MS : undefined;
  }

  async #temporalUnavailable(block: MemoryBlock, error: unknown): Promise<number | undefined> {
    const why = error instanceof Error ? error.message : String(error);
    this.#deps.log.warn('Temporal is unreachable', { ...this.#fields(block), error: why });
    const message =
      'the Temporal server cannot be reached; operations that run go on when it is back. Check that it runs';
    return this.#report(block, { kind: 'wait', reason: 'TemporalUnavailable', message }, TEMPORAL_RETRY_MS);
  }

  /** The only place that writes a status to say what is being done. */
  async #report(
    block: MemoryBlock,
    action: Action,
    lookAgainMs: number | undefined,
    progress?: OperationProgress,
  ): Promise<number | undefined> {
    const result = await this.#write(block, this.#summarize(block, action, progress));
    return result === 'conflict' ? CONFLICT_MS : lookAgainMs;
  }

  async #write(block: MemoryBlock, status: MemoryBlockStatus): Promise<WriteResult> {
    if (isSameStatus(block.status, status)) return 'written';
    const result = await this.#deps.cluster.writeBlockStatus(block, status);
    const event = result === 'written' ? eventOf(block, status) : undefined;
    if (event) await this.#deps.cluster.recordEvent(block, event);
    return result;
  }

  #plan(block: MemoryBlock, isCrdTerminating: boolean, operation: RunningOperation | undefined): Action {
    const { clusterId, caches, clock } = this.#deps;
    const { nodeName } = block.spec;
    const node = caches.nodeMemories.get(nodeName);
    const nodeObject = caches.nodes.get(nodeName);
    const nodeGone = whyNodeIsGone(nodeName, node, nodeObject);
    const { fingerprint } = registeredNotifiers(
      caches.notifiers.list(),
      block.metadata.labels,
      nodeObject?.metadata.labels,
    );
    return plan({
      cluster: clusterId,
      block,
      node,
      ...(nodeGone === undefined ? {} : { nodeGone }),
      isCrdTerminating,
      ...(operation ? { operation } : {}),
      chain: fingerprint,
      nowMs: clock.nowMs(),
    });
  }

  #summarize(block: MemoryBlock, action: Action, progress?: OperationProgress): MemoryBlockStatus {
    const nowMs = this.#deps.clock.nowMs();
    return summarize({ block, action, ...(progress ? { progress } : {}), nowMs });
  }

  #untilMs(action: Action): number | undefined {
    if (action.kind !== 'wait' || action.untilMs === undefined) return undefined;
    return Math.max(0, action.untilMs - this.#deps.clock.nowMs());
  }

  #fields({ metadata, spec, status }: MemoryBlock, operation = status?.operation): object {
    const workflow = operation ? { workflowId: operation.workflowId, runId: operation.runId } : {};
    return { block: metadata.name, node: spec.nodeName, ...workflow };
  }
}
