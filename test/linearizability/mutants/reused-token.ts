/** Mutant: a lock entity that is created anew does not raise the epoch, and counts from the start. */
import type { Mutation } from './mutation.ts';

export const mutate: Mutation = (apply) => (table, event) => {
  const isNew = event.kind === 'open' && event.epoch !== table.epoch;
  return isNew ? apply({ ...table, epoch: 0, sequence: 0 }, { ...event, epoch: 1 }) : apply(table, event);
};
