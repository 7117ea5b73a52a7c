/** One agent per node and host: whoever holds `agent.lock` in the node's directory serves it. */
import { closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'winston';
import { tryFlock } from '../online-mems/flock.ts';
import { flockHolders } from '../online-mems/flock-holders.ts';

export const AGENT_LOCK_FILE = 'agent.lock';
/** Another agent takes over within this time after the first has gone, however that happened. */
const POLL_MS = 500;

export interface AgentLock {
  release(): void;
}

/**
 * Waits until no other process serves the node; undefined when `signal` aborts first. Nothing of the node's state may be
 * read or written before. The kernel ends the lock with this process; no child process inherits it.
 */
export async function acquireAgentLock(
  directory: string,
  logger: Logger,
  signal: AbortSignal,
): Promise<AgentLock | undefined> {
  mkdirSync(directory, { recursive: true });
  const descriptor = openSync(join(directory, AGENT_LOCK_FILE), constants.O_RDONLY | constants.O_CREAT, 0o600);
  const release = (): void => {
    closeSync(descriptor);
  };
  for (let told = ''; !signal.aborted;) {
    if (tryFlock(descriptor, 'exclusive')) return { release };
    const holders = flockHolders(descriptor).map(({ pid, command }) => `${command} (pid ${String(pid)})`);
    const by = holders.join(', ') || 'a process that cannot be seen from here';
    if (by !== told) {
      logger.warn('another agent serves this node; waiting until it is gone', { by: (told = by), directory });
    }
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
  release();
  return undefined;
}
