/** Replays histories against the workflows of this version. */
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker } from '@temporalio/worker';
import { WORKFLOW_TYPES } from '../contract/workflow-types.ts';
import type { FoundHistory } from './find-histories.ts';
import type { History, HistoryEvent } from './history-index.ts';
import { SILENT_SINKS } from './workers.ts';
import { workflowBundle } from './workflow-bundle.ts';

export interface Replay extends Omit<FoundHistory, 'history'> {
  readonly failure?: ReplayFailure;
}

export interface ReplayFailure {
  /** False: it could not be replayed for another reason than another order of commands. */
  readonly isNondeterminism: boolean;
  /** The first event that does not come about any more, where the SDK tells: `13 WORKFLOW_TASK_COMPLETED`. */
  readonly event?: string;
  readonly message: string;
}

/** In the order of `histories`. Workflow types that are not this project's are left out. */
export async function* replayHistories(histories: AsyncIterable<FoundHistory>): AsyncGenerator<Replay> {
  const replayed: FoundHistory[] = [];
  async function* feed(): AsyncGenerator<FoundHistory> {
    for await (const found of histories) {
      if (!WORKFLOW_TYPES.includes(found.type)) continue;
      replayed.push(found);
      yield found;
    }
  }
  const options = { workflowBundle: await workflowBundle(), sinks: SILENT_SINKS };
  // One at a time: a result is about the history that was taken last.
  for await (const { error } of Worker.runReplayHistories(options, feed())) {
    const found = replayed.pop();
    if (!found) throw new TypeError('a replay that nobody asked for');
    const { history, ...run } = found;
    yield { ...run, ...(error ? { failure: failureOf(error, history) } : {}) };
  }
}

function failureOf(error: Error, history: History): ReplayFailure {
  // The SDK prints the failure of the workflow task as Rust prints a structure.
  const message = /message: "(.*?)", source:/s.exec(error.message)?.[1] ?? error.message;
  const event = history.events?.find((one) => isNamedIn(message, one));
  return {
    isNondeterminism: error instanceof DeterminismViolationError,
    ...(event ? { event: `${String(event.eventId)} ${nameOf(event)}` } : {}),
    message,
  };
}

/** By its number, or by the type of the activity that is not scheduled there any more. */
function isNamedIn(message: string, event: HistoryEvent): boolean {
  const id = /\bid: (\d+)/.exec(message)?.[1];
  if (id !== undefined) return String(event.eventId) === id;
  const activity = /scheduled event '([^']+)'/.exec(message)?.[1];
  return activity !== undefined && activityOf(event) === activity;
}

/** `activityTaskScheduled driverStep`: from the name of its attributes. */
function nameOf(event: HistoryEvent): string {
  const attributes = Object.keys(event).find((key) => key.endsWith('EventAttributes')) ?? '';
  return `${attributes.replace(/EventAttributes$/, '')} ${activityOf(event) ?? ''}`.trim();
}

function activityOf(event: HistoryEvent): string | null | undefined {
  return event.activityTaskScheduledEventAttributes?.activityType?.name;
}
