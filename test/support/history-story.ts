/** What an operation did, read from its history as the Temporal UI shows it: the summaries and the lock signals, in order. */
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import {
  LOCK_DENIED_SIGNAL,
  LOCK_GRANTED_SIGNAL,
  type LockDenied,
  type LockGranted,
  type RequestLocksAnswer,
} from '../../src/contract/locks.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

export async function eventsOf(client: Client, workflowId: string, runId?: string): Promise<readonly HistoryEvent[]> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  return events ?? [];
}

/** `take device_hotplug_lock → …`, `granted …`, `prepare online memory32`, `MEM_GOING_ONLINE → guard`, `release …`. */
export async function storyOf(client: Client, workflowId: string, runId?: string): Promise<string[]> {
  return (await eventsOf(client, workflowId, runId)).flatMap(lineOf);
}

function lineOf(event: HistoryEvent): string[] {
  // A timer says how long somebody was ready to wait, not what was done.
  if (event.timerStartedEventAttributes ?? event.timerCanceledEventAttributes) return [];
  const summary = event.userMetadata?.summary;
  if (summary && event.eventId?.toString() !== '1') {
    return [defaultPayloadConverter.fromPayload<string>(summary), ...answered(grantAtOnce(event))];
  }
  return answered(answerBySignal(event));
}

/** Ids of the requests for locks that were answered, in the order of their first answers. */
export function answeredRequests(events: readonly HistoryEvent[]): readonly string[] {
  return [...new Set(events.flatMap((event) => (answerBySignal(event) ?? grantAtOnce(event))?.id ?? []))];
}

function answerBySignal({ workflowExecutionSignaledEventAttributes: signal }: HistoryEvent) {
  const payload = signal?.input?.payloads?.[0];
  const isAnswer = signal?.signalName === LOCK_GRANTED_SIGNAL || signal?.signalName === LOCK_DENIED_SIGNAL;
  return payload && isAnswer ? defaultPayloadConverter.fromPayload<LockGranted | LockDenied>(payload) : undefined;
}

/** A request for locks that were free: the grant is the result of the local activity that asked. */
function grantAtOnce({ markerRecordedEventAttributes: marker }: HistoryEvent): LockGranted | undefined {
  const payload = marker?.details?.['result']?.payloads?.[0];
  const answer = payload && defaultPayloadConverter.fromPayload<RequestLocksAnswer | null>(payload);
  return answer?.kind === 'granted' ? answer : undefined;
}

function answered(answer: LockGranted | LockDenied | undefined): string[] {
  if (!answer) return [];
  return ['errno' in answer ? `denied ${answer.errno}` : `granted ${answer.grants.map(({ name }) => name).join(', ')}`];
}
