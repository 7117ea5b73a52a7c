/** For the end of a process. */
import type { Log } from '../controller/cluster.ts';

/**
 * Closes all, one after the other. One that fails is logged and keeps none of the others open; each is logged at level debug
 * before, so that one that hangs can be found. Never rejects.
 */
export async function closeInOrder(
  log: Pick<Log, 'debug' | 'warn'>,
  parts: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<void> {
  for (const [what, close] of Object.entries(parts)) {
    try {
      log.debug('closing', { what });
      await close();
    } catch (error) {
      log.warn('could not be closed', { what, error });
    }
  }
}
