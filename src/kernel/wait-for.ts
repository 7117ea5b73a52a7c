/** The wait-for graph of a lock table: who waits for whom, and whether that closes a cycle. */
import { conflicts, holdersOf, waitersOf, type LockRequestState, type LockTable } from './lock-queue.ts';
import type { WaitForLink } from './lock-request.ts';

/**
 * The cycle that `start` closes by waiting, itself first; undefined when there is none.
 *
 * Edges run between runs, not requests: a run that waits in a nested request still holds what its earlier requests hold.
 * It is enough to look from the request that begins to wait, because only beginning to wait adds an edge that can close
 * a cycle. A run that waits for itself (the same lock twice, or read to write) is a cycle of one.
 */
export function findCycle(table: LockTable, start: LockRequestState): readonly WaitForLink[] | undefined {
  const target = start.holder.runId;
  const visited = new Set<string>();

  function search(request: LockRequestState): readonly LockRequestState[] | undefined {
    for (const blocker of blockersOf(table, request)) {
      if (blocker.holder.runId === target) return [request];
      if (visited.has(blocker.holder.runId)) continue;
      visited.add(blocker.holder.runId);
      for (const next of waitingRequestsOf(table, blocker.holder.runId)) {
        const rest = search(next);
        if (rest) return [request, ...rest];
      }
    }
    return undefined;
  }

  return search(start)?.map((request) => linkOf(table, request));
}

/** Whom `request` waits for: holders of the lock, and earlier arrivals in its queue, that exclude it. */
function blockersOf(table: LockTable, request: LockRequestState): readonly LockRequestState[] {
  const wanted = request.pending[0];
  if (!wanted) return [];
  const { name } = wanted;
  const holders = holdersOf(table, name).filter((holder) =>
    holder.held.some((lock) => lock.name === name && conflicts(lock, wanted)),
  );
  const ahead = waitersOf(table, name).filter(
    (waiter) => waiter.ticket < request.ticket && waiter.pending.slice(0, 1).some((lock) => conflicts(lock, wanted)),
  );
  return [...holders, ...ahead];
}

function waitingRequestsOf(table: LockTable, runId: string): readonly LockRequestState[] {
  return table.requests.filter((request) => request.holder.runId === runId && request.pending.length > 0);
}

function linkOf(table: LockTable, request: LockRequestState): WaitForLink {
  const holds = table.requests
    .filter((other) => other.holder.runId === request.holder.runId)
    .flatMap((other) => other.held.map((lock) => lock.name));
  return { ...request.holder, purpose: request.purpose, holds, waitsFor: request.pending[0]?.name ?? '' };
}
