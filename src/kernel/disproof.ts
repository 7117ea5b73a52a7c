/**
 * How often a node may disprove its lock service (a token that is refused though it is the present one: the service was put back
 * to an earlier moment).
 *
 * Each time costs an epoch, and stops all grants until the node has settled. Once is enough: whatever the node has seen is
 * older than the new epoch. A node that goes on refusing is wrong itself, and is believed ever more rarely.
 */
import type { LockTable } from './lock-queue.ts';
import type { HeldLock } from './lock.ts';

/** What is remembered of those that were believed. */
export interface Disproofs {
  /** In a row. */
  readonly count: number;
  /** When the last one was believed, in ms since the epoch. */
  readonly lastMs: number;
}

/** A server that is put back twice within a minute forgets the first time, too. */
const PAUSE_MS = 60_000;
/** 24 epochs a day are 478 years until the last one. */
const PAUSE_MAX_MS = 3_600_000;
/** After so long without one, the next has nothing to do with the last. */
const FORGOTTEN_MS = 24 * 3_600_000;

/** What to remember if the node is believed at `nowMs`; undefined: it is too soon after the last time. */
export function believed(before: Disproofs | undefined, nowMs: number): Disproofs | undefined {
  const sinceMs = before ? nowMs - before.lastMs : Infinity;
  if (!before || sinceMs >= FORGOTTEN_MS) return { count: 1, lastMs: nowMs };
  const pauseMs = Math.min(PAUSE_MS * 2 ** (before.count - 1), PAUSE_MAX_MS);
  return sinceMs < pauseMs ? undefined : { count: before.count + 1, lastMs: nowMs };
}

/** Whether the node has refused the very token that `table` gives to run `runId`, for its request `id`, now. */
export function isDisproof(
  table: LockTable,
  { id, runId, refused }: { id: string; runId: string; refused: Pick<HeldLock, 'name' | 'token'> },
): boolean {
  const request = table.requests.find((known) => known.id === id);
  if (request?.holder.runId !== runId || request.isClosed || request.pending.length > 0) return false;
  return request.held.some(({ name, token }) => name === refused.name && token === refused.token);
}
