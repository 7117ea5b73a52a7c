/**
 * A block's conditions, in the kstatus convention: Ready (as asked for), Reconciling (being worked on), Stalled (nothing
 * will change without a person), Present and Online.
 *
 * Each carries observedGeneration. `kubectl wait --for=condition=Ready` compares that with metadata.generation (it takes
 * the condition's own where there is one), so a Ready from before an edit does not count; and a status is only written
 * to the very version of the object that was judged (resourceVersion), so a Ready is never stamped on a later edit.
 */
import type { ConditionType, Reason } from '../contract/conditions.ts';
import { retryMessage } from '../contract/retry-message.ts';
import type { Condition, MemoryBlock, MemoryBlockStatus, OperationStatus } from '../contract/resources.ts';
import { needsPerson, reasonOfFailure } from './last-operation.ts';
import type { Action, RunningOperation } from './plan.ts';
import type { OperationProgress } from './progress.ts';

/** Reasons that only a person can do something about. */
const STALLED: ReadonlySet<Reason> = new Set([
  'AddNotSupported',
  'ZoneMismatch',
  'BlockSizeChanged',
  'Drifted',
  'Infeasible',
  'NodeGone',
  'Paused',
]);

export interface SummaryInput {
  readonly block: MemoryBlock;
  readonly action: Action;
  /** Of a running operation, when it could be asked. */
  readonly progress?: OperationProgress;
  readonly nowMs: number;
}

/** The whole status after `action`: what the agent wrote is left as it is. */
export function summarize(input: SummaryInput): MemoryBlockStatus {
  const { block, action, progress } = input;
  const { operation: before, ...status } = block.status ?? {};
  const verdict = judge(input);
  const operation = operationOf(action, before, progress);
  const generation = block.metadata.generation ?? 0;
  const { bootId } = status;
  const ready = verdict.isReady && bootId !== undefined ? { readyBootId: bootId, readyGeneration: generation } : {};
  return {
    ...status,
    observedGeneration: generation,
    ...(operation ? { operation } : {}),
    ...ready,
    conditions: conditionsOf(block, verdict, input.nowMs),
  };
}

interface Verdict {
  readonly isReady: boolean;
  readonly isReconciling: boolean;
  readonly isStalled: boolean;
  readonly reason: Reason;
  readonly message: string;
}

function judge({ block, action, progress }: SummaryInput): Verdict {
  switch (action.kind) {
    case 'settled':
      return verdict(action.reason, action.message, action.reason === 'Deleting' ? {} : { isReady: true });
    case 'wait':
      return judgeWait(block, action);
    case 'observe':
      return judgeRunning(block, action.operation, progress);
    case 'cancel':
      return verdict('Operating', `cancelling ${action.operation.memo.type}: ${action.why}`, { isReconciling: true });
    case 'start':
      return verdict('Operating', `${action.request.type}: ${action.why}`, { isReconciling: true });
    case 'ensure-finalizer':
      return verdict('Pending', 'about to be worked on', { isReconciling: true });
    case 'drop-finalizer':
      return verdict('Deleting', action.why, { isReconciling: true });
  }
}

function judgeWait({ status }: MemoryBlock, { reason, message, untilMs }: Extract<Action, { kind: 'wait' }>): Verdict {
  const last = status?.lastOperation;
  const isVeto = last?.result === 'Vetoed' && reasonOfFailure(last) === reason;
  const isStalled =
    STALLED.has(reason) || (last !== undefined && reasonOfFailure(last) === reason && needsPerson(last));
  const next = untilMs === undefined || reason === 'Pending' ? '' : `; ${retryMessage(secondsOf(untilMs), isVeto)}`;
  return verdict(reason, `${message}${next}`, isStalled ? { isStalled } : { isReconciling: true });
}

/**
 * While an operation is tried again, the reason of the last failure stays: users and events see one story, not a flicker
 * between it and Operating.
 */
function judgeRunning(
  block: MemoryBlock,
  { memo }: RunningOperation,
  progress: OperationProgress | undefined,
): Verdict {
  const now = progress ? wordsOf(progress) : 'running';
  if (memo.recovers !== undefined) {
    const died = `run ${memo.recovers} of ${memo.type} ended without an outcome; recovering: ${now}`;
    return verdict(reasonWhileRunning(progress), died, { isReconciling: true });
  }
  const doing = `${memo.type}: ${now}`;
  const { retry, lastOperation } = block.status ?? {};
  const failure = lastOperation && retry ? reasonOfFailure(lastOperation) : undefined;
  if (failure && lastOperation?.generation === block.metadata.generation) {
    return verdict(failure, `${lastOperation?.message ?? ''}; trying again (${doing})`, { isReconciling: true });
  }
  return verdict(reasonWhileRunning(progress), doing, { isReconciling: true });
}

function reasonWhileRunning(progress: OperationProgress | undefined): Reason {
  if (progress?.unsettled !== undefined) return 'AgentUnavailable';
  const phase = progress?.phase;
  if (phase === 'WaitingForPermit' || phase === 'WaitingForLocks' || phase === 'WaitingForReaders') return phase;
  return phase === 'WaitingForAgent' ? 'AgentUnavailable' : 'Operating';
}

function wordsOf({ phase, since, detail, holders, unsettled }: OperationProgress): string {
  const what = holders && holders.length > 0 ? holders.join('; ') : detail;
  const todo = unsettled === undefined ? '' : `: ${unsettled}`;
  return `${phase} since ${timeOfDay(Date.parse(since))}${what ? ` (${what})` : ''}${todo}`;
}

function operationOf(
  action: Action,
  before: OperationStatus | undefined,
  progress: OperationProgress | undefined,
): OperationStatus | undefined {
  if (action.kind !== 'observe' && action.kind !== 'cancel') return before;
  const { workflowId, runId, startTime, memo } = action.operation;
  // The run that died stays named: as long as it is, what it owes is not forgotten.
  if (memo.recovers !== undefined) return before && { ...before, phase: 'Recovering' };
  const same = before?.runId === runId ? before : undefined;
  // The operation itself has written a phase when it looked again: it stands until a newer one is known.
  const phase = progress?.phase ?? same?.phase;
  return {
    type: memo.type,
    workflowId,
    runId,
    startTime: same?.startTime ?? startTime,
    ...(memo.generation === undefined ? {} : { generation: memo.generation }),
    ...(phase === undefined ? {} : { phase }),
    ...(same?.bootId === undefined ? {} : { bootId: same.bootId }),
  };
}

function conditionsOf(block: MemoryBlock, verdict: Verdict, nowMs: number): readonly Condition[] {
  const state = block.status?.state;
  const { reason, message } = verdict;
  const condition = (type: ConditionType, status: Condition['status'], word: string, words: string): Condition => {
    const before = block.status?.conditions?.find((one) => one.type === type);
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : secondsOf(nowMs);
    const observedGeneration = block.metadata.generation ?? 0;
    return { type, status, reason: word, message: words, observedGeneration, lastTransitionTime };
  };
  const seen = state === undefined ? 'the agent has not reported this block yet' : `the block is ${state}`;
  return [
    condition('Ready', statusOf(verdict.isReady), reason, message),
    condition('Reconciling', statusOf(verdict.isReconciling), reason, verdict.isReconciling ? message : ''),
    condition('Stalled', statusOf(verdict.isStalled), reason, verdict.isStalled ? message : ''),
    condition('Present', state === undefined ? 'Unknown' : statusOf(state !== 'absent'), wordOf(state), seen),
    condition('Online', state === undefined ? 'Unknown' : statusOf(state === 'online'), wordOf(state), seen),
  ];
}

/** `going-offline` → `GoingOffline`: a condition's reason is one word in CamelCase. */
function wordOf(state: string | undefined): string {
  return (state ?? 'unknown').replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function statusOf(fact: boolean): 'True' | 'False' {
  return fact ? 'True' : 'False';
}

function verdict(reason: Reason, message: string, facts: Partial<Verdict>): Verdict {
  return { isReady: false, isReconciling: false, isStalled: false, ...facts, reason, message };
}

/** metav1.Time has whole seconds. */
function secondsOf(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}

/** `12:00:05Z` */
function timeOfDay(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(11, 19)}Z`;
}
