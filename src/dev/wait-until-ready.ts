import { setTimeout as delay } from 'node:timers/promises';
import { describeExit, readTail, type SupervisedChild } from './supervise.ts';

const POLL_INTERVAL_MS = 50;

/**
 * Asks `isReady` until it answers true. Throws, with the end of the server's log, as soon as `child` has ended, or when
 * `limitMs` have passed. A question that fails counts as "not yet".
 */
export async function waitUntilReady(
  child: SupervisedChild,
  isReady: () => Promise<boolean>,
  limitMs: number,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await isReady().catch(() => false))) {
    if (!child.isRunning) throw new Error(describeExit(await child.exited));
    if (Date.now() > deadline) {
      const tail = await readTail(child.logFile);
      const limit = `${String(limitMs / 1000)} s`;
      throw new Error(`${child.name} was not ready after ${limit}. End of its log (${child.logFile}):\n${tail}`);
    }
    await delay(POLL_INTERVAL_MS);
  }
}
