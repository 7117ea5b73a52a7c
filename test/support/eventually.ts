/** Waiting for a condition instead of for time. */
import { setTimeout as delay } from 'node:timers/promises';

const LIMIT_MS = 5_000;
const POLL_MS = 10;

/** Resolves once `holds` answers true; rejects with `what` after five seconds. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`did not happen in ${String(LIMIT_MS)} ms: ${what}`);
    await delay(POLL_MS);
  }
}
