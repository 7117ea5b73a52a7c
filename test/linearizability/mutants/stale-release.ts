/** Mutant: a release that comes twice, or late, frees whoever holds a lock now. */
import type { Mutation } from './mutation.ts';

export const mutate: Mutation = (apply) => (table, event) => {
  if (event.kind !== 'release' || table.requests.some(({ id }) => id === event.id)) return apply(table, event);
  const holder = table.requests.find(({ held, pending }) => held.length > 0 && pending.length === 0);
  return apply(table, holder ? { kind: 'release', id: holder.id, nowMs: event.nowMs } : event);
};
