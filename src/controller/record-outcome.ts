/** How the end of an operation changes a block's status. */
import { describeDeath } from '../contract/dead-operation.ts';
import { NOTIFIER_CALLS_MAX, type OperationOutcome } from '../contract/operations.ts';
import type {
  LastOperation,
  MemoryBlockStatus,
  NotifierStatus,
  OperationStatus,
  RetryStatus,
} from '../contract/resources.ts';
import { isVetoable } from '../kernel/memory-action.ts';
import { backoffMs, type Backoff } from './backoff.ts';
import { cutBytes } from './cut-bytes.ts';

/** Five seconds is soon for a person who waits; five minutes costs a node nothing and forgets nobody. */
const RETRY: Backoff = { baseMs: 5_000, maxMs: 300_000 };
/** What is in the way comes and goes by itself (an agent that restarts, a lock): worth looking at more often. */
const RETRY_SOON: Backoff = { baseMs: 5_000, maxMs: 30_000 };
/** Nothing changes without a person; looked at again all the same, should the change be one that nobody told us of. */
const RETRY_HOPELESS: Backoff = { baseMs: 3_600_000, maxMs: 3_600_000 };
/** A plugin that names a later time than this is not believed. */
const RETRY_AFTER_MAX_MS = 86_400_000;
/** In bytes: an event's note holds 1024, and the time of the next try comes behind the message. */
const MESSAGE_BYTES_MAX = 900;
/** In bytes: a stack trace of somebody's worker must not make the object too large to be written. */
const REASON_BYTES_MAX = 1024;

export interface EndedOperation {
  readonly outcome: OperationOutcome;
  readonly runId: string;
  /** Generation of the spec that it was started for. */
  readonly generation: number;
  readonly nowMs: number;
}

/**
 * The status after `ended`. Idempotent by run id: a repeat changes nothing. What another run wrote about itself stays, and
 * so does what a later one (a higher fencing token) wrote as the last operation.
 */
export function applyOutcome(status: MemoryBlockStatus, ended: EndedOperation): MemoryBlockStatus {
  const { outcome, runId } = ended;
  const { operation, retry, ...rest } = status;
  // Locks are given back before the outcome is written, so a later operation may have written its own already.
  const isOvertaken = (outcome.fencingToken ?? Infinity) < (status.fencingToken ?? 0);
  if (isOvertaken || status.lastOperation?.runId === runId)
    return { ...rest, ...keep(operation, runId), ...(retry ? { retry } : {}) };
  const last = lastOperationOf(ended);
  const nextRetry = retryAfter(last, outcome, retry, status.lastOperation, ended.nowMs);
  const token = Math.max(status.fencingToken ?? 0, outcome.fencingToken ?? 0);
  return {
    ...rest,
    ...keep(operation, runId),
    lastOperation: last,
    ...(outcome.notifiers.length > 0 || !outcome.noop ? { notifiers: shownCalls(outcome.notifiers, nextRetry) } : {}),
    ...(nextRetry ? { retry: nextRetry } : {}),
    ...(token > 0 ? { fencingToken: token } : {}),
  };
}

/** The outcome of a run that closed without writing one and owes nothing to anybody. */
export function lostOutcome({ type, runId }: OperationStatus, closedAs: string | undefined): OperationOutcome {
  const death = describeDeath({ runId, ...(closedAs === undefined ? {} : { closedAs }) });
  return { type, result: 'Unknown', message: `${death}; the block is looked at anew`, notifiers: [] };
}

function keep(operation: OperationStatus | undefined, runId: string): Pick<MemoryBlockStatus, 'operation'> {
  return operation && operation.runId !== runId ? { operation } : {};
}

function lastOperationOf({ outcome, runId, generation, nowMs }: EndedOperation): LastOperation {
  const { type, result, errno, message, cause } = outcome;
  return {
    type,
    result,
    runId,
    ...(errno ? { errno } : {}),
    message: cutBytes(message, MESSAGE_BYTES_MAX),
    completionTime: new Date(nowMs).toISOString(),
    generation,
    ...(cause ? { cause } : {}),
  };
}

function shownCalls(calls: readonly NotifierStatus[], retry: RetryStatus | undefined): readonly NotifierStatus[] {
  return calls.slice(0, NOTIFIER_CALLS_MAX).map((call) => ({
    ...call,
    ...(call.reason === undefined ? {} : { reason: cutBytes(call.reason, REASON_BYTES_MAX) }),
    ...(retry && call.errno !== undefined && isVetoable(call.action) ? { retryTime: retry.nextTime } : {}),
  }));
}

/** Failures are counted per generation: a changed spec starts afresh. */
function retryAfter(
  last: LastOperation,
  { retryAfterSeconds, chain, grounds }: OperationOutcome,
  before: RetryStatus | undefined,
  lastBefore: LastOperation | undefined,
  nowMs: number,
): RetryStatus | undefined {
  if (last.result === 'Succeeded' || last.result === 'Superseded') return undefined;
  const failures = lastBefore?.generation === last.generation ? (before?.count ?? 0) : 0;
  const askedMs = retryAfterSeconds === undefined ? undefined : Math.max(1, retryAfterSeconds) * 1000;
  const delayMs = askedMs === undefined ? backoffMs(backoffOf(last), failures) : Math.min(askedMs, RETRY_AFTER_MAX_MS);
  return {
    count: failures + 1,
    nextTime: new Date(nowMs + delayMs).toISOString(),
    ...(last.result === 'Vetoed' && chain !== undefined ? { chain } : {}),
    ...grounds,
  };
}

function backoffOf({ cause, result }: LastOperation): Backoff {
  if (cause === 'Infeasible') return RETRY_HOPELESS;
  const isPassing = cause === 'AgentUnavailable' || cause === 'LockTimeout' || cause === 'Deadlock';
  return isPassing || result === 'Unknown' ? RETRY_SOON : RETRY;
}
