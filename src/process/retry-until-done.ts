/** For what must succeed before a process can serve anything. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'winston';
import { backoffMs } from '../controller/backoff.ts';

const BACKOFF = { baseMs: 500, maxMs: 10_000 };

/** The result of `attempt` as soon as it has one; undefined when `signal` aborts first. Every failure is logged. */
export async function retryUntilDone<T>(
  what: string,
  logger: Logger,
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T | undefined> {
  for (let failures = 0; !signal.aborted;) {
    try {
      return await attempt();
    } catch (error) {
      const retryMs = backoffMs(BACKOFF, failures++);
      logger.warn('not possible yet; trying again', { what, retryMs, error });
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}
