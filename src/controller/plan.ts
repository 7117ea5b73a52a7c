/**
 * What to do about one MemoryBlock, from all that is known about it: pure and level-triggered, so that a missed event, a
 * restart or a second replica changes nothing.
 *
 * Never starts an operation for a block that is paused, observed only, deleted with Retain, on a node that is gone, or
 * whose CRD is being deleted.
 */
import type { Reason } from '../contract/conditions.ts';
import { FINALIZER, ORPHAN_ANNOTATION, PAUSED_ANNOTATION } from '../contract/names.ts';
import type { OperationDescription } from '../contract/operation-starter.ts';
import type { OperationRequest } from '../contract/operations.ts';
import { parseBytes } from '../contract/quantity.ts';
import type { MemoryBlock, NodeMemory, NodeMemoryStatus } from '../contract/resources.ts';
import type { MemoryBlockState, OperationType } from '../kernel/memory-block.ts';
import { reasonOfFailure, retryWaitMs } from './last-operation.ts';
import { operationRequest, type OperationPolicy } from './operation-request.ts';
import { goalOf, isStepTowards, wantedOperation, type Goal } from './wanted-operation.ts';

/**
 * After an operation that found nothing to do, or succeeded, the same one is not started again at once: the agent's view
 * may lag. A few round trips to the API server.
 */
const REPEAT_AFTER_MS = 2_000;
/** How often who waits for a turn looks by itself. It costs no request. */
const TURN_MS = 10_000;
/** As long as an activity on the node's queue may wait for its agent. */
const FIRST_REPORT_MS = 10_000;

/** An operation of this block that runs now. */
export type RunningOperation = Pick<OperationDescription, 'workflowId' | 'runId' | 'startTime' | 'memo'>;

export interface PlanInput extends OperationPolicy {
  readonly cluster: string;
  readonly block: MemoryBlock;
  readonly node: NodeMemory | undefined;
  /** See `whyNodeIsGone`. */
  readonly nodeGone?: string;
  /** Deleting the CRD deletes all objects, and must not change any memory. */
  readonly isCrdTerminating: boolean;
  readonly operation?: RunningOperation;
  /** Fingerprint of the chain that an operation would walk now. */
  readonly chain: string;
  /** See NodeTurns; unset: an operation may be started at once. */
  readonly hasToQueue?: boolean;
  readonly nowMs: number;
}

export type Action =
  | { readonly kind: 'settled'; readonly reason: 'Settled' | 'ObserveOnly' | 'Deleting'; readonly message: string }
  | { readonly kind: 'ensure-finalizer' }
  | DropFinalizer
  | { readonly kind: 'start'; readonly request: OperationRequest; readonly why: string }
  | { readonly kind: 'observe'; readonly operation: RunningOperation }
  | Cancel
  | Wait;

/** With reason `NodeGone`: only if the node is gone from the server, too. */
export interface Cancel {
  readonly kind: 'cancel';
  readonly operation: RunningOperation;
  readonly why: string;
  readonly reason?: 'NodeGone';
}

/** With a `reason`, users are told by an event: the memory stays behind. */
export interface DropFinalizer {
  readonly kind: 'drop-finalizer';
  readonly why: string;
  readonly reason?: Reason;
}

/** Without `untilMs`: until something changes. */
export interface Wait {
  readonly kind: 'wait';
  readonly reason: Reason;
  readonly message: string;
  readonly untilMs?: number;
  /** All that is in the way is that others of its node come first. */
  readonly isQueued?: true;
}

export function plan(input: PlanInput): Action {
  const { block, operation } = input;
  const ours = block.metadata.finalizers?.includes(FINALIZER) ?? false;
  const isDeleting = block.metadata.deletionTimestamp !== undefined;
  const goal = isDeleting && !ours ? undefined : goalOf(block);
  if (isDeleting && ours) {
    const drop = whyToLetGo(input, goal);
    if (drop) return drop;
  }
  if (operation) return planRunning(operation, goal, input.nodeGone);
  if (input.nodeGone !== undefined) return wait('NodeGone', input.nodeGone);
  if (input.isCrdTerminating) return wait('Pending', 'the CRD of MemoryBlocks is being deleted; no memory is changed');
  if (!isDeleting) {
    const needsFinalizer = block.spec.deletionPolicy === 'Remove';
    if (needsFinalizer && !ours) return { kind: 'ensure-finalizer' };
    if (!needsFinalizer && ours) return { kind: 'drop-finalizer', why: 'deletionPolicy is Retain' };
  }
  if (goal !== undefined) return planWork(input, goal);
  return isDeleting
    ? { kind: 'settled', reason: 'Deleting', message: 'being deleted; the memory stays as it is' }
    : { kind: 'settled', reason: 'ObserveOnly', message: 'spec.state is not set: observed only' };
}

/** Why an object that is being deleted is let go without (further) work on its memory. */
function whyToLetGo({ block, isCrdTerminating, nodeGone }: PlanInput, goal: Goal): DropFinalizer | undefined {
  const drop = (why: string, reason?: Reason): DropFinalizer => ({
    kind: 'drop-finalizer',
    why,
    ...(reason ? { reason } : {}),
  });
  if (isCrdTerminating) return drop('the CRD of MemoryBlocks is being deleted; no memory is changed');
  const orphan = block.metadata.annotations?.[ORPHAN_ANNOTATION];
  if (orphan) return drop(`orphaned by annotation: ${orphan}; the memory stays as it is`, 'Orphaned');
  if (nodeGone !== undefined) return drop(nodeGone, 'NodeGone');
  return goal === undefined ? drop('deletionPolicy is Retain') : undefined;
}

function planRunning(operation: RunningOperation, goal: Goal, nodeGone: string | undefined): Action {
  if (nodeGone !== undefined) return { kind: 'cancel', operation, why: nodeGone, reason: 'NodeGone' };
  // It changes no memory, and what it delivers is owed whatever is wanted now.
  if (operation.memo.recovers !== undefined) return { kind: 'observe', operation };
  if (isStepTowards(operation.memo.type, goal)) return { kind: 'observe', operation };
  const now = goal === undefined ? 'nothing is asked for any more' : `${goal} is wanted now`;
  return { kind: 'cancel', operation, why: `${operation.memo.type} is no longer wanted: ${now}` };
}

function planWork(input: PlanInput, goal: Goal): Action {
  const facts = nodeFacts(input);
  if ('kind' in facts) return facts;
  const { block } = input;
  const zone = block.status?.zone;
  const observed = { state: facts.state, ...(zone === undefined ? {} : { zone }) };
  if (isAboutToBeReported(block)) return wait('Pending', 'the offline has ended; the agent is about to report how');
  const wanted = wantedOperation(goal, observed, facts.capabilities);
  switch (wanted.kind) {
    case 'nothing':
      if (goal === 'absent') return { kind: 'drop-finalizer', why: wanted.why };
      return { kind: 'settled', reason: 'Settled', message: wanted.why };
    case 'not-removable':
      return { kind: 'drop-finalizer', why: wanted.message, reason: 'RemoveNotSupported' };
    case 'blocked':
      return wait(wanted.reason, wanted.message);
    case 'operation': {
      const obstacle = whyNotYet(input, wanted.type, facts);
      if (obstacle) return obstacle;
      if (input.hasToQueue) return waitForTurn(input);
      const request = operationRequest(wanted.type, input.cluster, block, facts.blockSizeBytes, input);
      return { kind: 'start', request, why: wanted.why };
    }
  }
}

/** Who is in front wakes it; the time is for one that never does. */
function waitForTurn({ block, nowMs }: PlanInput): Wait {
  const message = `waits for its turn: other operations of ${block.spec.nodeName} are under way`;
  return { kind: 'wait', reason: 'Pending', message, untilMs: nowMs + TURN_MS, isQueued: true };
}

/**
 * An agent that could not reach the API server reports late: `going-offline` after an operation that succeeded is old. After
 * any other end it may be what a dead operation left.
 */
function isAboutToBeReported({ status }: MemoryBlock): boolean {
  return status?.state === 'going-offline' && status.lastOperation?.result === 'Succeeded';
}

interface NodeFacts {
  readonly state: MemoryBlockState;
  readonly capabilities: NonNullable<NodeMemoryStatus['capabilities']>;
  readonly blockSizeBytes: number;
  readonly node: NodeMemory;
}

function nodeFacts({ node, block, nowMs }: PlanInput): NodeFacts | Wait {
  const { nodeName } = block.spec;
  const { capabilities, blockSize } = node?.status ?? {};
  const { state, blockSize: assumed } = block.status ?? {};
  if (!node || !capabilities || blockSize === undefined) {
    return wait('AgentUnavailable', `the agent of ${nodeName} has not reported yet; check that it runs`);
  }
  const blockSizeBytes = parseBytes(blockSize);
  if (assumed !== undefined && parseBytes(assumed) !== blockSizeBytes) {
    const moved = `block ${String(block.spec.blockId)} would be at another address`;
    const todo = 'delete this object with deletionPolicy Retain and create one with the right blockId';
    return wait(
      'BlockSizeChanged',
      `blocks of ${nodeName} are ${blockSize} now and were ${assumed}: ${moved}; ${todo}`,
    );
  }
  if (state === undefined) return waitForFirstReport(block, nowMs);
  return { state, capabilities, blockSizeBytes, node };
}

/** An agent that runs reports a new block at once; one that does not is told of only when it had the time. */
function waitForFirstReport({ metadata, spec }: MemoryBlock, nowMs: number): Wait {
  const untilMs = Date.parse(metadata.creationTimestamp ?? '') + FIRST_REPORT_MS;
  if (untilMs > nowMs) return wait('Pending', `the agent of ${spec.nodeName} is about to report this block`, untilMs);
  return wait('AgentUnavailable', `the agent of ${spec.nodeName} has not reported this block yet; check that it runs`);
}

/** Why an operation that is wanted does not start now: drift, pause, an agent that stopped, or the time of the next try. */
function whyNotYet({ block, chain, nowMs }: PlanInput, type: OperationType, facts: NodeFacts): Wait | undefined {
  if (block.metadata.deletionTimestamp === undefined && block.spec.driftPolicy === 'Report' && isDrifted(block)) {
    const todo = 'Change the spec, or set driftPolicy to Correct, to have it brought back';
    return wait('Drifted', `somebody else made the block ${facts.state} after it was Ready. ${todo}`);
  }
  if (block.metadata.annotations?.[PAUSED_ANNOTATION] === 'true') {
    return wait('Paused', `${type} is wanted; remove annotation ${PAUSED_ANNOTATION} to go on`);
  }
  const agent = facts.node.status?.conditions?.find((condition) => condition.type === 'AgentReady');
  if (agent?.status === 'False') return wait('AgentUnavailable', `${type} waits for the agent: ${agent.message}`);
  return waitForRetry(block, type, facts, chain, nowMs);
}

function waitForRetry(
  block: MemoryBlock,
  type: OperationType,
  { node }: NodeFacts,
  chain: string,
  nowMs: number,
): Wait | undefined {
  const last = block.status?.lastOperation;
  if (!last) return undefined;
  const reason = reasonOfFailure(last);
  if (reason) {
    const untilMs = retryWaitMs(block, node, chain, nowMs);
    return untilMs === undefined ? undefined : wait(reason, last.message, untilMs);
  }
  const untilMs = Date.parse(last.completionTime) + REPEAT_AFTER_MS;
  const isRepeat = last.type === type && last.generation === block.metadata.generation;
  if (!isRepeat || untilMs <= nowMs) return undefined;
  return wait('Pending', `${type} has just ended: ${last.message}`, untilMs);
}

/** It was Ready at this generation and in this boot of the node. After a reboot the desired state is always restored. */
function isDrifted({ metadata, status }: MemoryBlock): boolean {
  const wasReady = status?.readyGeneration !== undefined && status.readyGeneration === metadata.generation;
  return wasReady && status.readyBootId !== undefined && status.readyBootId === status.bootId;
}

function wait(reason: Reason, message: string, untilMs?: number): Wait {
  return { kind: 'wait', reason, message, ...(untilMs === undefined ? {} : { untilMs }) };
}
