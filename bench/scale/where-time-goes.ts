/** Where the time of an operation goes, by its history. */
import type { temporal } from '@temporalio/proto';
import { timeOf } from '../../src/temporal/lock-history-events.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/** Milliseconds by what the operation was doing, in the order in which each came first. */
export type TimeShares = ReadonlyMap<string, number>;

/**
 * Every moment between the first and the last event counts once: for the activity that runs, else for the one that waits
 * for a worker, else for the workflow task, else as waiting for somebody's signal or a timer.
 */
export function timeShares(events: readonly HistoryEvent[]): TimeShares {
  const shares = new Map<string, number>();
  const underWay = new Map<string, string>();
  let task: string | undefined;
  let lastMs = timeOf(events[0] ?? {});
  for (const event of events) {
    const nowMs = timeOf(event);
    if (nowMs > lastMs) {
      const what = [...underWay.values()].at(-1) ?? task ?? 'waits for a signal or a timer';
      shares.set(what, (shares.get(what) ?? 0) + nowMs - lastMs);
    }
    lastMs = Math.max(lastMs, nowMs);
    task = taskAfter(event, task);
    followActivity(underWay, event);
  }
  return shares;
}

function taskAfter(event: HistoryEvent, task: string | undefined): string | undefined {
  if (event.workflowTaskScheduledEventAttributes) return 'workflow task: waits for a worker';
  if (event.workflowTaskStartedEventAttributes) return 'workflow task: the workflow, its lock messages';
  if (event.workflowTaskCompletedEventAttributes) return undefined;
  return task;
}

function followActivity(underWay: Map<string, string>, event: HistoryEvent): void {
  const scheduled = event.activityTaskScheduledEventAttributes;
  if (scheduled) underWay.set(String(event.eventId), `${nameOf(scheduled)}: waits for a worker`);
  const started = event.activityTaskStartedEventAttributes;
  if (started) {
    const id = String(started.scheduledEventId);
    underWay.set(id, (underWay.get(id) ?? '').replace(/:.*/, ''));
  }
  const ended =
    event.activityTaskCompletedEventAttributes ??
    event.activityTaskFailedEventAttributes ??
    event.activityTaskTimedOutEventAttributes ??
    event.activityTaskCanceledEventAttributes;
  if (ended) underWay.delete(String(ended.scheduledEventId));
}

function nameOf({ activityType }: temporal.api.history.v1.IActivityTaskScheduledEventAttributes): string {
  return activityType?.name ?? 'activity';
}

/** The sum over several operations. */
export function sumShares(all: readonly TimeShares[]): TimeShares {
  const sums = new Map<string, number>();
  for (const shares of all) for (const [what, ms] of shares) sums.set(what, (sums.get(what) ?? 0) + ms);
  return sums;
}
