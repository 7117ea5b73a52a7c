/** The lock table that a lock entity had, from what its history says it was told and what it told others. */
import type { LockRequestState, LockTable } from './lock-queue.ts';
import type { LockEvent } from './lock-request.ts';
import { LockTableDraft } from './lock-table-draft.ts';
import { applyLockEvent } from './lock-table.ts';

/**
 * `base` is what the entity began with; `events` are its messages, its answers (`adopt` for a grant, `release` for a
 * denial that is known to have arrived: the server drops what is still on its way when its sender is closed) and what it
 * found out about others, in the order of its history.
 *
 * The answers decide, not the reducer: a grant is a fact, and shows that whoever was in its way had given back, also where
 * `events` do not tell how. A request that was not granted starts anew in the order of arrival, also where it held locks
 * while it waited, because nobody was told of those. The result grants nothing until it is opened, in a new epoch.
 */
export function rebuildLockTable(base: LockTable, events: readonly LockEvent[]): LockTable {
  const start: LockTable = { ...base, isRecovering: true, requests: base.requests.map(restarted) };
  return events.reduce(replayed, start);
}

function replayed(table: LockTable, event: LockEvent): LockTable {
  if (event.kind !== 'request') return applyLockEvent(table, event).table;
  const draft = new LockTableDraft(table, event.nowMs);
  draft.replay(event);
  return draft.table;
}

/** Requests are listed as they arrived. */
function restarted(request: LockRequestState, arrival: number): LockRequestState {
  if (request.pending.length === 0) return request;
  const wanted = request.held.map(({ name, mode }) => ({ name, mode }));
  return { ...request, held: [], pending: [...wanted, ...request.pending], ticket: arrival };
}
