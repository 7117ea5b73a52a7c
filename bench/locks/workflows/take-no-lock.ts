import type { TakenLocks } from './taking.ts';

/** What a workflow costs that does nothing at all. */
export async function takeNoLock(): Promise<TakenLocks> {
  return Promise.resolve({ waitMs: 0, tokens: [] });
}
