/** Mutant: readers are overlooked by the writer that waits for them. */
import type { LockEffect } from '../../../src/kernel/lock-request.ts';
import type { Mutation } from './mutation.ts';

export const mutate: Mutation = (apply) => (table, event) => {
  const { table: sound, effects } = apply(table, event);
  const readers = sound.requests.filter(
    ({ held, pending }) => pending.length === 0 && held.length > 0 && held.every(({ mode }) => mode === 'read'),
  );
  if (sound.isRecovering || readers.length === 0) return { table: sound, effects };
  // As if they had released, but for what the table says of them.
  let next = sound;
  const granted: LockEffect[] = [...effects];
  for (const { id } of readers) {
    const released = apply(next, { kind: 'release', id, nowMs: event.nowMs });
    next = released.table;
    granted.push(...released.effects.filter(({ kind }) => kind !== 'released'));
  }
  const finished = next.finished.filter((id) => !readers.some((reader) => reader.id === id));
  return { table: { ...next, finished, requests: [...readers, ...next.requests] }, effects: granted };
};
