/** What a lock table holds, and its queues, which are derived: a request stands in the queue of its first pending lock. */
import type { HeldLock, LockHolder, LockName, WantedLock } from './lock-request.ts';

/** One request: what it holds, and what it still wants (the first of `pending` is what it waits for). */
export interface LockRequestState {
  readonly id: string;
  readonly holder: LockHolder;
  readonly purpose: string;
  readonly held: readonly HeldLock[];
  readonly pending: readonly WantedLock[];
  /** Place in the queue of the lock it waits for: grows with every arrival at any queue. */
  readonly ticket: number;
  readonly sinceMs: number;
  readonly deadlineMs?: number;
}

/** Plain JSON, so that a lock entity can carry it over when it continues as new. */
export interface LockTable {
  readonly epoch: number;
  readonly sequence: number;
  readonly nextTicket: number;
  readonly requests: readonly LockRequestState[];
  readonly finished: readonly string[];
}

/** Requests that hold `name`, in order of grant. */
export function holdersOf(table: LockTable, name: LockName): readonly LockRequestState[] {
  return table.requests.filter((request) => request.held.some((lock) => lock.name === name));
}

/** Requests that wait for `name`, first come first. */
export function waitersOf(table: LockTable, name: LockName): readonly LockRequestState[] {
  return table.requests.filter((request) => request.pending[0]?.name === name).sort((a, b) => a.ticket - b.ticket);
}

/** Whether two modes of one lock exclude each other. */
export function conflicts(a: WantedLock, b: WantedLock): boolean {
  return a.mode === 'write' || b.mode === 'write';
}
