/** Waits for a condition with a limit: the only way in which tests wait. */
import { setTimeout as delay } from 'node:timers/promises';

export interface EventuallyOptions {
  readonly limitMs?: number;
  readonly everyMs?: number;
}

/** Calls `probe` until it returns something other than undefined or false, and returns that. Fails naming `what`. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T> | T,
  { limitMs = 20_000, everyMs = 50 }: EventuallyOptions = {},
): Promise<Exclude<T, undefined | false>> {
  const endMs = Date.now() + limitMs;
  let last: unknown;
  while (Date.now() < endMs) {
    try {
      const found = await probe();
      if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await delay(everyMs);
  }
  const because = last instanceof Error ? `: ${last.message}` : '';
  throw new Error(`not within ${String(limitMs / 1000)} s: ${what}${because}`, { cause: last });
}
