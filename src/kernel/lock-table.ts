/**
 * All locks of one node, as a pure reducer: event in, next table and effects out.
 *
 * Guarantees, each a property test: a writer is alone; readers share; every lock is granted in order of arrival, so a
 * reader that comes after a waiting writer waits behind it; a request that would close a wait-for cycle is refused and
 * keeps nothing; tokens strictly increase; every event is idempotent by request id, in any order of arrival; a run that is
 * known to be closed is granted nothing.
 *
 * Mirrors device_hotplug_lock and device_lock (mutexes) and mem_hotplug_lock (a percpu rwsem), v6.12. Deliberately FIFO,
 * where the kernel's sysfs path trylocks and restarts.
 */
import type { LockRequestState, LockTable } from './lock-queue.ts';
import type { LockHolder } from './lock.ts';
import type { LockEffect, LockEvent } from './lock-request.ts';
import { LockTableDraft } from './lock-table-draft.ts';
import { EMPTY_LOCKDEP } from './lockdep.ts';

/** A table that grants nothing until it is opened. */
export const EMPTY_LOCK_TABLE: LockTable = {
  epoch: 0,
  sequence: 0,
  nextTicket: 0,
  isRecovering: true,
  requests: [],
  finished: [],
  closedRuns: [],
  lockdep: EMPTY_LOCKDEP,
};

export function applyLockEvent(
  table: LockTable,
  event: LockEvent,
): { table: LockTable; effects: readonly LockEffect[] } {
  const draft = new LockTableDraft(table, event.nowMs);
  switch (event.kind) {
    case 'request':
      draft.request(event);
      break;
    case 'release':
      draft.release(event);
      break;
    case 'expire':
      draft.expire();
      break;
    case 'undeliverable':
      draft.undeliverable(event.id);
      break;
    case 'closed':
      draft.close(event.runId);
      break;
    case 'settled':
      draft.settle(event.runId);
      break;
    case 'suspect':
      draft.suspect(event.id, event.reason);
      break;
    case 'adopt':
      draft.adopt(event.id, event.grants);
      break;
    case 'open':
      draft.open(event.epoch);
      break;
  }
  draft.promote();
  return { table: draft.table, effects: draft.effects };
}

/** The earliest moment at which an `expire` event would change anything; undefined when nobody waits with a deadline. */
export function nextDeadlineMs(table: LockTable): number | undefined {
  const deadlines = table.requests.flatMap((request) =>
    request.pending.length > 0 && request.deadlineMs !== undefined ? [request.deadlineMs] : [],
  );
  return deadlines.length > 0 ? Math.min(...deadlines) : undefined;
}

/** Since when the longest waiter waits, in ms since the epoch; undefined when nobody does. */
export function waitingSinceMs(table: LockTable): number | undefined {
  const waits = table.requests.flatMap((request) => (request.pending.length > 0 ? [request.sinceMs] : []));
  return waits.length > 0 ? Math.min(...waits) : undefined;
}

/** The runs that hold what somebody waits for: each once. */
export function awaitedHolders(table: LockTable): readonly LockHolder[] {
  const awaited = new Set(table.requests.flatMap((request) => request.pending.slice(0, 1).map(({ name }) => name)));
  return runsOf(table.requests.filter(({ held }) => held.some(({ name }) => awaited.has(name))));
}

/** The runs of which a waiter should know whether they live: those that hold, then those that wait. */
export function awaitedRuns(table: LockTable): readonly LockHolder[] {
  const waiters = runsOf(table.requests.filter(({ pending }) => pending.length > 0));
  const holders = awaitedHolders(table);
  return [...holders, ...waiters.filter(({ runId }) => !holders.some((holder) => holder.runId === runId))];
}

function runsOf(requests: readonly LockRequestState[]): readonly LockHolder[] {
  return [...new Map(requests.map(({ holder }) => [holder.runId, holder])).values()];
}
