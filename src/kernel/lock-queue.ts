/** What a lock table holds, and its queues, which are derived: a request stands in the queue of its first pending lock. */
import type { Lockdep } from './lockdep.ts';
import type { LockRequested } from './lock-request.ts';
import type { HeldLock, LockHolder, LockName, WantedLock } from './lock.ts';

/** One request: what it holds, and what it still wants (the first of `pending` is what it waits for). */
export interface LockRequestState {
  readonly id: string;
  readonly holder: LockHolder;
  readonly purpose: string;
  readonly causedBy?: string;
  readonly held: readonly HeldLock[];
  /** Empty: all was granted, and the holder was told. */
  readonly pending: readonly WantedLock[];
  /** Place in the queue of the lock it waits for: grows with every arrival at any queue. */
  readonly ticket: number;
  /** When it arrived at that queue, in ms since the epoch. */
  readonly sinceMs: number;
  readonly deadlineMs?: number;
  /** Its run is closed; what it was granted must be settled before it is free. */
  readonly isClosed?: boolean;
  /** Why it is not certain that the holder lives. */
  readonly suspect?: string;
}

/** Plain JSON, so that a lock entity can carry it over when it continues as new. */
export interface LockTable {
  readonly epoch: number;
  readonly sequence: number;
  readonly nextTicket: number;
  /** Nothing is granted: what earlier runs granted is not known yet, or there is no epoch to grant in. */
  readonly isRecovering: boolean;
  readonly requests: readonly LockRequestState[];
  /** Ids of requests that have ended. */
  readonly finished: readonly string[];
  /** Runs that are known to be closed. */
  readonly closedRuns: readonly string[];
  readonly lockdep: Lockdep;
}

/** Whether `request` is a doubled or late message, or one of a run that is closed. */
export function isKnown({ requests, finished, closedRuns }: LockTable, { id, holder }: LockRequested): boolean {
  return requests.some((other) => other.id === id) || finished.includes(id) || closedRuns.includes(holder.runId);
}

/** `table` with `request` at the end of the queue of its first lock. */
export function enqueued(table: LockTable, request: LockRequested): LockTable {
  const { id, holder, purpose, locks, deadlineMs, causedBy, nowMs } = request;
  const arrived: LockRequestState = {
    id,
    holder,
    purpose,
    held: [],
    pending: locks,
    ticket: table.nextTicket,
    sinceMs: nowMs,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(causedBy === undefined ? {} : { causedBy }),
  };
  return { ...table, nextTicket: arrived.ticket + 1, requests: [...table.requests, arrived] };
}

/** Requests that hold `name`, in order of grant. */
export function holdersOf(table: LockTable, name: LockName): readonly LockRequestState[] {
  return table.requests.filter((request) => request.held.some((lock) => lock.name === name));
}

/** Requests that wait for `name`, first come first. */
export function waitersOf(table: LockTable, name: LockName): readonly LockRequestState[] {
  return table.requests.filter((request) => request.pending[0]?.name === name).sort((a, b) => a.ticket - b.ticket);
}

/** All locks that a run holds, over all its requests. */
export function locksHeldBy(table: LockTable, runId: string): readonly HeldLock[] {
  return table.requests.filter((request) => request.holder.runId === runId).flatMap((request) => request.held);
}

/** Whether two modes of one lock exclude each other. */
export function conflicts(a: WantedLock, b: WantedLock): boolean {
  return a.mode === 'write' || b.mode === 'write';
}
