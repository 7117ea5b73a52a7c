/**
 * Asks registered notifiers about one action, each by its transport. In-process plugins that stand next to each other in
 * the chain are asked by one activity, since each activity costs six events of history; a webhook is asked by an activity
 * of its own; a plugin on a task queue is an activity.
 */
import { proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import { ActivityFailure, TimeoutFailure } from '@temporalio/common';
import type { CallPluginsInput, OperationActivities } from '../src/contract/activities.ts';
import { shortReason } from '../src/contract/notifier-answer.ts';
import {
  NOT_ASKED,
  notifyOf,
  type NotifierCallResult,
  type NotifierReply,
  type RegisteredNotifier,
  type WalkNotify,
} from '../src/contract/notifier.ts';
import { askOnTaskQueue } from './ask-on-task-queue.ts';

/** On top of the plugins' own timeouts, for the way there and back. */
const GRACE_MS = 5_000;
/** The operator heartbeats every second while it asks. */
const SILENCE_MS = 3_000;
/**
 * A summary is one line of the timeline, and 400 bytes with its encoding are what servers mean to allow
 * (limit.userMetadataSummarySize). One name has at most 253.
 */
const SUMMARY_LENGTH_MAX = 300;

/** The notifiers at the head of `remaining` that are asked together: one, or adjacent ones inside the operator. */
export function askedTogether(remaining: readonly RegisteredNotifier[]): readonly RegisteredNotifier[] {
  const end = remaining.findIndex((notifier) => !isInProcess(notifier));
  return end === -1 ? remaining : remaining.slice(0, Math.max(1, end));
}

/**
 * The results in order: at least one, and fewer than `together` where one of them ended the walk or could not be asked.
 * `endMs`: of the whole walk, by the workflow's clock. Never throws because of a plugin.
 */
export async function askNotifiers(
  together: readonly RegisteredNotifier[],
  walk: WalkNotify,
  endMs: number,
): Promise<readonly NotifierCallResult[]> {
  const [first] = together;
  if (!first) return [];
  const startedMs = Date.now();
  const leftMs = endMs - startedMs;
  if (leftMs <= 0) return [{ reply: NOT_ASKED, durationMs: 0 }];
  try {
    const results = await ask(first, together, { walk, leftMs });
    if (results.length > 0) return results;
    return [failedAfter(startedMs, { kind: 'error', message: 'the operator gave no result; look at its log' })];
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return [failedAfter(startedMs, couldNotAsk(error))];
  }
}

async function ask(
  first: RegisteredNotifier,
  together: readonly RegisteredNotifier[],
  { walk, leftMs }: Pick<CallPluginsInput, 'walk' | 'leftMs'>,
): Promise<readonly NotifierCallResult[]> {
  const summary = summaryOf(walk.action, together);
  const { transport } = first;
  const timeoutMs = Math.min(first.timeoutMs, leftMs);
  switch (transport.kind) {
    case 'plugin':
    case 'invalid': {
      const totalMs = together.reduce((sum, { timeoutMs }) => sum + timeoutMs, 0);
      const { callPlugins } = proxyActivities<OperationActivities>(byOperator(Math.min(totalMs, leftMs)));
      return callPlugins.executeWithOptions({ summary }, [{ notifiers: together, walk, leftMs }]);
    }
    case 'webhook': {
      const { callWebhook } = proxyActivities<OperationActivities>(byOperator(timeoutMs));
      return [await callWebhook.executeWithOptions({ summary }, [{ notifier: first, walk, leftMs }])];
    }
    case 'taskQueue': {
      const startedMs = Date.now();
      const event = notifyOf(walk, first.name, new Date(startedMs + timeoutMs).toISOString());
      const reply = await askOnTaskQueue(transport, event, timeoutMs, summary);
      return [{ reply, durationMs: Date.now() - startedMs }];
    }
  }
}

/** An operator that dies while it asks is noticed by its silence, and another asks again: at least once. */
function byOperator(timeoutMs: number): ActivityOptions {
  return {
    startToCloseTimeout: timeoutMs + GRACE_MS,
    heartbeatTimeout: SILENCE_MS,
    scheduleToCloseTimeout: timeoutMs + 4 * GRACE_MS,
    retry: { initialInterval: '100 milliseconds', maximumAttempts: 3 },
  };
}

function summaryOf(action: string, together: readonly RegisteredNotifier[]): string {
  const names = together.map(({ name }) => name);
  const summary = `${action} → ${names.join(', ')}`;
  if (summary.length <= SUMMARY_LENGTH_MAX) return summary;
  return `${action} → ${names[0] ?? ''} and ${String(names.length - 1)} more`;
}

function isInProcess({ transport: { kind } }: RegisteredNotifier): boolean {
  return kind === 'plugin' || kind === 'invalid';
}

function failedAfter(startedMs: number, reply: NotifierReply & { kind: 'error' }): NotifierCallResult {
  return { reply: { ...reply, message: shortReason(reply.message) }, durationMs: Date.now() - startedMs };
}

function couldNotAsk({ cause, message }: ActivityFailure): NotifierReply & { kind: 'error' } {
  const because = cause?.message ?? message;
  return {
    kind: 'error',
    message: `the operator could not ask it: ${because}; look at its log`,
    ...(cause instanceof TimeoutFailure ? { timedOut: true } : {}),
  };
}
