/** Why a request for locks is refused. */
import type { Errno } from './errno.ts';
import { holdersOf, type LockRequestState, type LockTable } from './lock-queue.ts';
import type { LockRequested, WaitForLink } from './lock-request.ts';
import type { WantedLock } from './lock.ts';
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

/** Characters of a purpose, which people read. */
export const PURPOSE_LENGTH_MAX = 256;
/** `device_lock/memory4294967295` and then some. */
export const LOCK_NAME_LENGTH_MAX = 64;
/** As long as a workflow id may be. */
const WORKFLOW_ID_LENGTH_MAX = 1000;

/** EINVAL: such a request is never granted. */
export function whyInvalid({
  locks,
  purpose,
  causedBy = '',
  holder,
}: Pick<LockRequested, 'locks' | 'purpose' | 'causedBy' | 'holder'>): Refusal | undefined {
  const names = new Set(locks.map((lock) => lock.name));
  if (names.size === 0 || names.size !== locks.length || locks.length > LOCKS_PER_REQUEST_MAX) {
    const limit = String(LOCKS_PER_REQUEST_MAX);
    return invalid(`a request names 1 to ${limit} different locks, not ${String(locks.length)}`);
  }
  if (purpose.length > PURPOSE_LENGTH_MAX) return invalid(tooLong('purpose', PURPOSE_LENGTH_MAX));
  const workflowIds = [causedBy, holder.workflowId];
  if (workflowIds.some((id) => id.length > WORKFLOW_ID_LENGTH_MAX)) {
    return invalid(tooLong('workflow id', WORKFLOW_ID_LENGTH_MAX));
  }
  const isLong = [...names].some((name) => name.length > LOCK_NAME_LENGTH_MAX);
  return isLong ? invalid(tooLong('name of a lock', LOCK_NAME_LENGTH_MAX)) : undefined;
}

function invalid(message: string): Refusal {
  return { errno: 'EINVAL', message };
}

function tooLong(what: string, limit: number): string {
  return `a ${what} has at most ${String(limit)} characters; shorten it`;
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
