/** The wait-for graph of a lock table: who waits for whom, and whether that closes a cycle. */
import { conflicts, holdersOf, locksHeldBy, waitersOf, type LockRequestState, type LockTable } from './lock-queue.ts';
import type { WaitForLink } from './lock-request.ts';

/** A run that waits, and the request that it waits for. */
interface Edge {
  readonly from: LockRequestState;
  readonly to: LockRequestState;
  /** What `from` waits for. */
  readonly waitsFor: string;
}

/**
 * The cycle that `start` closes by waiting, itself first; undefined when there is none.
 *
 * Edges run between runs, not requests: a run that waits in a nested request still holds what its earlier requests hold.
 * An operation also waits for whoever its plugins make ask for locks (`causedBy`). It is enough to look from the request
 * that begins to wait, because only beginning to wait adds an edge that can close a cycle. A run that waits for itself
 * (the same lock twice, or read to write) is a cycle of one.
 */
export function findCycle(table: LockTable, start: LockRequestState): readonly WaitForLink[] | undefined {
  const target = start.holder.runId;
  const visited = new Set<string>();

  function search(edges: readonly Edge[]): readonly Edge[] | undefined {
    for (const edge of edges) {
      const { runId } = edge.to.holder;
      if (runId === target) return [edge];
      if (visited.has(runId)) continue;
      visited.add(runId);
      const rest = search(edgesFrom(table, edge.to));
      if (rest) return [edge, ...rest];
    }
    return undefined;
  }

  return search(edgesFrom(table, start))?.map((edge) => linkOf(table, edge));
}

/** Whom the run of `request` waits for, in all its requests. */
function edgesFrom(table: LockTable, { holder }: LockRequestState): readonly Edge[] {
  const own = table.requests.filter((request) => request.holder.runId === holder.runId);
  const caused = table.requests.filter((request) => request.causedBy === holder.workflowId);
  const [from] = own;
  return [
    ...own.flatMap((request) => lockEdges(table, request)),
    ...(from ? caused.map((to) => ({ from, to, waitsFor: `its plugin (${to.purpose})` })) : []),
  ];
}

/** Whom `request` waits for: holders of the lock, and earlier arrivals in its queue, that exclude it. */
function lockEdges(table: LockTable, request: LockRequestState): readonly Edge[] {
  const wanted = request.pending[0];
  if (!wanted) return [];
  const { name } = wanted;
  const holders = holdersOf(table, name).filter((holder) =>
    holder.held.some((lock) => lock.name === name && conflicts(lock, wanted)),
  );
  const ahead = waitersOf(table, name).filter(
    (waiter) => waiter.ticket < request.ticket && waiter.pending.slice(0, 1).some((lock) => conflicts(lock, wanted)),
  );
  return [...holders, ...ahead].map((to) => ({ from: request, to, waitsFor: name }));
}

function linkOf(table: LockTable, { from, waitsFor }: Edge): WaitForLink {
  const holds = locksHeldBy(table, from.holder.runId).map((lock) => lock.name);
  return { ...from.holder, purpose: from.purpose, holds, waitsFor };
}
