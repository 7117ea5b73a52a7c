/** Mutant: every third request is granted as if nobody held anything. */
import type { Mutation } from './mutation.ts';

export const mutate: Mutation = (apply) => (table, event) => {
  const isKnown = event.kind === 'request' && table.requests.some(({ id }) => id === event.id);
  if (event.kind !== 'request' || isKnown || table.isRecovering || table.nextTicket % 3 !== 0)
    return apply(table, event);
  const { table: alone, effects } = apply({ ...table, requests: [] }, event);
  return { table: { ...alone, requests: [...table.requests, ...alone.requests] }, effects };
};
