import { setImmediate as nextTurn } from 'node:timers/promises';

/** Where `work` has nothing to wait for, so many items are some milliseconds; then others get a turn. */
const ITEMS_PER_TURN = 64;

/** Does `work` for every item, for at most `limit` of them at a time. Begins no further one once `signal` is aborted. */
export async function sideBySide<T>(
  items: Iterable<T>,
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items].values();
  let begun = 0;
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      if (signal.aborted) return;
      if (++begun % ITEMS_PER_TURN === 0) await nextTurn();
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
}
