/** One agent per node, and per host: whoever holds `agent.lock` in a directory serves what the directory stands for. */
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

export interface AgentLockOptions {
  /** In the order in which they are taken: the host's, where there is one, before the node's. Created. */
  readonly directories: readonly string[];
  readonly logger: Logger;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** Told whom it waits for, each time that this changes. */
  readonly onWait?: (holders: string) => void;
}

/**
 * Waits until no other process serves the node; undefined when `signal` aborts first. Nothing of the node's state may be
 * read or written before. The kernel ends the lock with this process; no child process inherits it.
 */
export async function acquireAgentLock(options: AgentLockOptions): Promise<AgentLock | undefined> {
  const descriptors: number[] = [];
  const release = (): void => {
    for (const descriptor of descriptors.splice(0)) closeSync(descriptor);
  };
  try {
    for (const directory of options.directories) {
      mkdirSync(directory, { recursive: true });
      const file = join(directory, AGENT_LOCK_FILE);
      const descriptor = openSync(file, constants.O_RDONLY | constants.O_CREAT, 0o600);
      descriptors.push(descriptor);
      await waitForLock(descriptor, directory, options);
    }
  } catch (error) {
    release();
    throw error;
  }
  if (!options.signal.aborted) return { release };
  release();
  return undefined;
}

/** Resolves with the lock held, or with `signal` aborted. */
async function waitForLock(
  descriptor: number,
  directory: string,
  { logger, signal, onWait }: AgentLockOptions,
): Promise<void> {
  for (let told = ''; !signal.aborted && !tryFlock(descriptor, 'exclusive');) {
    const holders = flockHolders(descriptor).map(({ pid, command }) => `${command} (pid ${String(pid)})`);
    const by = holders.join(', ') || 'a process that cannot be seen from here';
    if (by !== told) {
      logger.warn('another agent serves this node; waiting until it is gone', { by: (told = by), directory });
      onWait?.(by);
    }
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}
