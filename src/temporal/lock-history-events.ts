/** One event of a lock entity's history as what it means to the lock table. */
import type { DescribeHoldersResult, SettleInput } from '../contract/activities.ts';
import {
  LOCK_DENIED_SIGNAL,
  LOCK_GRANTED_SIGNAL,
  LOCK_MESSAGE_SIGNAL,
  RELEASE_LOCK_UPDATE,
  REQUEST_LOCKS_UPDATE,
  type LockDenied,
  type LockGranted,
  type LockMessage,
  type ReleaseLockResult,
  type RequestLocksAnswer,
} from '../contract/locks.ts';
import type { LockEvent } from '../kernel/lock-request.ts';
import type { HistoryEvent, HistoryIndex } from './history-index.ts';

/** Distributes over the kinds of events, where Omit would merge them. */
type WithoutTime<Event> = Event extends unknown ? Omit<Event, 'nowMs'> : never;
type Untimed = WithoutTime<LockEvent>;

export function lockEventsOf(event: HistoryEvent, index: HistoryIndex): readonly LockEvent[] {
  const nowMs = Number(event.eventTime?.seconds ?? 0) * 1000 + Math.floor((event.eventTime?.nanos ?? 0) / 1e6);
  const meanings = [
    ...heard(event, index, nowMs),
    ...granted(event, index),
    ...denied(event, index),
    ...foundOut(event, index),
    ...releasedByHand(event, index),
  ];
  return meanings.map((meaning) => ({ ...meaning, nowMs }));
}

/** A message, by signal or by update. */
function heard(event: HistoryEvent, index: HistoryIndex, nowMs: number): readonly Untimed[] {
  const signal = event.workflowExecutionSignaledEventAttributes;
  if (signal?.signalName === LOCK_MESSAGE_SIGNAL) return eventsOfMessage(index.decode(signal.input), nowMs);
  const accepted = event.workflowExecutionUpdateAcceptedEventAttributes;
  const update = index.update(accepted?.acceptedRequest?.meta?.updateId ?? accepted?.protocolInstanceId);
  return accepted && update?.name === REQUEST_LOCKS_UPDATE ? eventsOfMessage(update.input, nowMs) : [];
}

/** A grant counts as soon as it is on its way, because an entity that is lost with it is succeeded by one that tells it again. */
function granted(event: HistoryEvent, index: HistoryIndex): readonly Untimed[] {
  const signal = event.signalExternalWorkflowExecutionInitiatedEventAttributes;
  if (signal?.signalName === LOCK_GRANTED_SIGNAL) {
    return [{ kind: 'adopt', ...(index.decode(signal.input) as LockGranted) }];
  }
  const completed = event.workflowExecutionUpdateCompletedEventAttributes;
  if (index.update(completed?.meta?.updateId)?.name !== REQUEST_LOCKS_UPDATE) return [];
  const answer = index.decode(completed?.outcome?.success) as RequestLocksAnswer | undefined;
  return answer?.kind === 'granted' ? [{ kind: 'adopt', id: answer.id, grants: answer.grants }] : [];
}

/**
 * A denial counts when it has arrived, or found its run closed: one that was on its way when the entity was terminated is
 * lost with it, and its request waits on.
 */
function denied(event: HistoryEvent, index: HistoryIndex): readonly Untimed[] {
  const arrived =
    event.externalWorkflowExecutionSignaledEventAttributes ??
    event.signalExternalWorkflowExecutionFailedEventAttributes;
  const sent = arrived && index.find(arrived.initiatedEventId)?.signalExternalWorkflowExecutionInitiatedEventAttributes;
  if (sent?.signalName !== LOCK_DENIED_SIGNAL) return [];
  return [{ kind: 'release', id: (index.decode(sent.input) as LockDenied).id }];
}

/** Runs that were seen closed, and those whose tokens the node has settled. */
function foundOut(event: HistoryEvent, index: HistoryIndex): readonly Untimed[] {
  const activity = index.completedActivity(event);
  if (activity?.name === 'describeHolders') {
    const { closed, nodeIsOver } = activity.result as DescribeHoldersResult;
    return closed.map((runId) => ({ kind: nodeIsOver === undefined ? 'closed' : 'settled', runId }));
  }
  if (activity?.name !== 'settle') return [];
  const { runs = [] } = activity.input as SettleInput;
  return runs.map((runId) => ({ kind: 'settled', runId }));
}

function releasedByHand(event: HistoryEvent, index: HistoryIndex): readonly Untimed[] {
  const completed = event.workflowExecutionUpdateCompletedEventAttributes;
  if (index.update(completed?.meta?.updateId)?.name !== RELEASE_LOCK_UPDATE) return [];
  const released = index.decode(completed?.outcome?.success) as ReleaseLockResult | undefined;
  return released ? [{ kind: 'release', id: released.id, names: [released.lock] }] : [];
}

function eventsOfMessage(input: unknown, nowMs: number): readonly Untimed[] {
  const { holder, purpose, release = [], request, suspect } = input as LockMessage;
  const releases = release.map(({ id, names }) => ({ kind: 'release' as const, id, ...(names ? { names } : {}) }));
  const suspects = suspect ? [{ kind: 'suspect' as const, ...suspect }] : [];
  if (!request) return [...releases, ...suspects];
  const { timeoutMs, ...wanted } = request;
  const deadline = timeoutMs === undefined ? {} : { deadlineMs: nowMs + timeoutMs };
  return [...releases, { kind: 'request', holder, purpose, ...wanted, ...deadline }, ...suspects];
}
