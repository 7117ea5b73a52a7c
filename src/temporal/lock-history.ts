/** The history of one run of a lock entity: with what it began, what it was told, and what it told others. */
import type { PayloadConverter } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { RecoverLockTableResult } from '../contract/activities.ts';
import type { NodeLocksInput } from '../contract/node-locks.ts';
import type { LockTable } from '../kernel/lock-queue.ts';
import type { LockEvent } from '../kernel/lock-request.ts';
import { HistoryIndex, type History, type HistoryEvent } from './history-index.ts';
import { lockEventsOf, timeOf } from './lock-history-events.ts';

export interface LockRun {
  /** When it began, or was last reset, in ms since the epoch: the events before a reset are copies of another run's. */
  readonly begunMs: number;
  /** The table that the run began with, or found out; unset: it never knew. */
  readonly base?: LockTable;
  /** Since the run began, or was last reset. */
  readonly events: readonly LockEvent[];
  /** The run that goes on with this one's table. */
  readonly continuedAs?: string;
}

const RESET = proto.temporal.api.enums.v1.WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW;
const RECOVER_ACTIVITY = 'recoverLockTable';

/** Reads `history`; what was before the last reset is left out, because the run gave up what it believed then. */
export function readLockRun(history: History, converter: PayloadConverter): LockRun {
  const index = new HistoryIndex(history, converter);
  const resetAt = index.events.findLastIndex((event) => event.workflowTaskFailedEventAttributes?.cause === RESET);
  const begun = index.events[Math.max(0, resetAt)];
  const era = index.events.slice(resetAt + 1);
  const base = recoveredTable(index, era) ?? (resetAt < 0 ? carriedTable(index) : undefined);
  const continuedAs = era.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  return {
    begunMs: begun ? timeOf(begun) : 0,
    events: era.flatMap((event) => lockEventsOf(event, index)),
    ...(base ? { base } : {}),
    ...(continuedAs ? { continuedAs } : {}),
  };
}

function carriedTable(index: HistoryIndex): LockTable | undefined {
  const started = index.events[0]?.workflowExecutionStartedEventAttributes;
  const input = index.decode(started?.input) as NodeLocksInput | undefined;
  return input?.carried?.table;
}

/** The result of the last recovery that the run completed in this era. */
function recoveredTable(index: HistoryIndex, era: readonly HistoryEvent[]): LockTable | undefined {
  const completed = era.findLast((event) => index.completedActivity(event)?.name === RECOVER_ACTIVITY);
  const result = completed && (index.completedActivity(completed)?.result as RecoverLockTableResult | undefined);
  return result?.table;
}
