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
  type ReleaseLockResult,
  type RequestLocksAnswer,
} from '../contract/locks.ts';
import { readLockMessage } from '../contract/read-lock-message.ts';
import { lockEventsOfMessage } from '../contract/lock-message-events.ts';
import type { LockEvent, LockEventBody } from '../kernel/lock-request.ts';
import type { HistoryEvent, HistoryIndex } from './history-index.ts';

export function lockEventsOf(event: HistoryEvent, index: HistoryIndex): readonly LockEvent[] {
  const nowMs = timeOf(event);
  const meanings = [
    ...heard(event, index, nowMs),
    ...granted(event, index),
    ...denied(event, index),
    ...foundOut(event, index),
    ...releasedByHand(event, index),
  ];
  return meanings.map((meaning) => ({ ...meaning, nowMs }));
}

/** In ms since the epoch. */
export function timeOf({ eventTime }: HistoryEvent): number {
  return Number(eventTime?.seconds ?? 0) * 1000 + Math.floor((eventTime?.nanos ?? 0) / 1e6);
}

/** A message, by signal or by update. */
function heard(event: HistoryEvent, index: HistoryIndex, nowMs: number): readonly LockEventBody[] {
  const signal = event.workflowExecutionSignaledEventAttributes;
  if (signal?.signalName === LOCK_MESSAGE_SIGNAL) return eventsOfMessage(index.decodeIfReadable(signal.input), nowMs);
  const accepted = event.workflowExecutionUpdateAcceptedEventAttributes;
  const update = index.update(accepted?.acceptedRequest?.meta?.updateId ?? accepted?.protocolInstanceId);
  return accepted && update?.name === REQUEST_LOCKS_UPDATE ? eventsOfMessage(update.input, nowMs) : [];
}

/** What was no message was dropped. */
function eventsOfMessage(sent: unknown, nowMs: number): readonly LockEventBody[] {
  const message = readLockMessage(sent);
  return 'malformed' in message ? [] : lockEventsOfMessage(message, nowMs);
}

/** A grant counts as soon as it is on its way, because an entity that is lost with it is succeeded by one that tells it again. */
function granted(event: HistoryEvent, index: HistoryIndex): readonly LockEventBody[] {
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
function denied(event: HistoryEvent, index: HistoryIndex): readonly LockEventBody[] {
  const arrived =
    event.externalWorkflowExecutionSignaledEventAttributes ??
    event.signalExternalWorkflowExecutionFailedEventAttributes;
  const sent = arrived && index.find(arrived.initiatedEventId)?.signalExternalWorkflowExecutionInitiatedEventAttributes;
  if (sent?.signalName !== LOCK_DENIED_SIGNAL) return [];
  return [{ kind: 'release', id: (index.decode(sent.input) as LockDenied).id }];
}

/** Runs that were seen closed, and those whose tokens the node has settled. */
function foundOut(event: HistoryEvent, index: HistoryIndex): readonly LockEventBody[] {
  const activity = index.completedActivity(event);
  if (activity?.name === 'describeHolders') {
    const { closed, nodeIsOver } = activity.result as DescribeHoldersResult;
    return closed.map((runId) => ({ kind: nodeIsOver === undefined ? 'closed' : 'settled', runId }));
  }
  if (activity?.name !== 'settle') return [];
  const { runs = [] } = activity.input as SettleInput;
  return runs.map((runId) => ({ kind: 'settled', runId }));
}

function releasedByHand(event: HistoryEvent, index: HistoryIndex): readonly LockEventBody[] {
  const completed = event.workflowExecutionUpdateCompletedEventAttributes;
  if (index.update(completed?.meta?.updateId)?.name !== RELEASE_LOCK_UPDATE) return [];
  const released = index.decode(completed?.outcome?.success) as ReleaseLockResult | undefined;
  return released ? [{ kind: 'release', id: released.id, names: [released.lock] }] : [];
}
