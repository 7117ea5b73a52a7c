/** Why a request for locks is refused. */
import type { Errno } from './errno.ts';
import { holdersOf, type LockRequestState, type LockTable } from './lock-queue.ts';
import type { WaitForLink, WantedLock } from './lock-request.ts';
import { findCycle } from './wait-for.ts';

/**
 * 64 blocks in flight times four operations. A table travels whole when its entity continues as new; with this limit and
 * LOCKS_MAX it stays below the 512 KiB at which the server begins to warn.
 */
export const REQUESTS_MAX = 256;
/** D, M:w and the L of every block of a range: longer lists are a programming error. */
export const LOCKS_PER_REQUEST_MAX = 64;
/** Of all requests together: 12 for each, where an operation needs 3. At 100 bytes each 300 KiB. */
export const LOCKS_MAX = 12 * REQUESTS_MAX;

export interface Refusal {
  readonly errno: Errno;
  readonly message: string;
  readonly cycle?: readonly WaitForLink[];
}

/** EINVAL: such a list is never granted. */
export function whyInvalid(locks: readonly WantedLock[]): Refusal | undefined {
  const names = new Set(locks.map((lock) => lock.name));
  if (names.size > 0 && names.size === locks.length && locks.length <= LOCKS_PER_REQUEST_MAX) return undefined;
  const limit = String(LOCKS_PER_REQUEST_MAX);
  return { errno: 'EINVAL', message: `a request names 1 to ${limit} different locks, not ${String(locks.length)}` };
}

/** ENOLCK: the table is full. */
export function whyFull({ requests }: LockTable, locks: readonly WantedLock[]): Refusal | undefined {
  const named = requests.reduce((sum, { held, pending }) => sum + held.length + pending.length, 0);
  if (requests.length < REQUESTS_MAX && named + locks.length <= LOCKS_MAX) return undefined;
  const present = `${String(requests.length)} requests hold or wait for ${String(named)} locks`;
  const limits = `${String(REQUESTS_MAX)} requests and ${String(LOCKS_MAX)} locks`;
  return { errno: 'ENOLCK', message: `${present} already, of at most ${limits}; try again when some have ended` };
}

/** EBUSY: `request` would have to wait. */
export function whyBusy(table: LockTable, request: LockRequestState): Refusal {
  return { errno: 'EBUSY', message: whatIsInTheWay(table, request) };
}

/** EDEADLK: `request`, by waiting, closes a cycle. */
export function whyDeadlock(table: LockTable, request: LockRequestState): Refusal | undefined {
  const cycle = findCycle(table, request);
  if (!cycle) return undefined;
  const chains = cycle.map(
    ({ purpose, holds, waitsFor }) => `${purpose} holds ${holds.join(', ') || 'nothing'} and waits for ${waitsFor}`,
  );
  return { errno: 'EDEADLK', message: `would close a wait-for cycle: ${chains.join('; ')}`, cycle };
}

/** ETIMEDOUT: `request` has waited to its deadline. */
export function whyTimedOut(table: LockTable, request: LockRequestState): Refusal {
  const name = request.pending[0]?.name ?? '';
  const why = whatIsInTheWay(table, request);
  return { errno: 'ETIMEDOUT', message: `${name} could not be had in time (${why}); everything was given back` };
}

function whatIsInTheWay(table: LockTable, request: LockRequestState): string {
  if (table.isRecovering) return 'the lock service is recovering and grants nothing yet';
  const name = request.pending[0]?.name ?? '';
  const holders = holdersOf(table, name).map(({ purpose }) => purpose);
  return holders.length > 0 ? `${name} is held by ${holders.join(', ')}` : `others wait for ${name}`;
}
