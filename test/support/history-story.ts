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
    return [defaultPayloadConverter.fromPayload<string>(summary), ...grantedAtOnce(event)];
  }
  const signal = event.workflowExecutionSignaledEventAttributes;
  const payload = signal?.input?.payloads?.[0];
  if (!payload) return [];
  if (signal.signalName === LOCK_GRANTED_SIGNAL) {
    return [granted(defaultPayloadConverter.fromPayload<LockGranted>(payload))];
  }
  if (signal.signalName === LOCK_DENIED_SIGNAL)
    return [`denied ${defaultPayloadConverter.fromPayload<LockDenied>(payload).errno}`];
  return [];
}

/** A request for locks that were free: the grant is the result of the local activity that asked. */
function grantedAtOnce({ markerRecordedEventAttributes: marker }: HistoryEvent): string[] {
  const payload = marker?.details?.['result']?.payloads?.[0];
  const answer = payload && defaultPayloadConverter.fromPayload<RequestLocksAnswer | null>(payload);
  return answer?.kind === 'granted' ? [granted(answer)] : [];
}

function granted({ grants }: LockGranted): string {
  return `granted ${grants.map((lock) => lock.name).join(', ')}`;
}
