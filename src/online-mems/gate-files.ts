/**
 * The two files that keep readers and writers of a node's memory apart. A reader takes LOCK_SH of the turnstile, then
 * LOCK_SH of the lock, and drops the turnstile. A writer takes LOCK_EX of the turnstile, so that later readers wait, then
 * LOCK_EX of the lock, and keeps both. docs/online-mems.md says it for every language.
 */
import { closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { unlock } from './flock.ts';

export const TURNSTILE_FILE = 'turnstile';
/** As the kernel calls what it stands for. */
export const LOCK_FILE = 'mem_hotplug.lock';
/** Where the agent of a real node keeps the files of `<node>`. */
export const RUN_DIRECTORY = '/run/memhp';

/** Whoever may read a file may hold its lock, and so keep everybody else waiting: owner and group, nobody else. */
const FILE_MODE = 0o640;

export interface GateFiles {
  /** Descriptors; no child process inherits them. */
  readonly turnstile: number;
  readonly lock: number;
}

/** As a reader: the files must be there. */
export function openGateFiles(directory: string): GateFiles {
  return openBoth(directory, constants.O_RDONLY);
}

/** As the writer, who makes them. They are never deleted: a lock on a file that has gone excludes nobody. */
export function createGateFiles(directory: string): GateFiles {
  mkdirSync(directory, { recursive: true });
  return openBoth(directory, constants.O_RDONLY | constants.O_CREAT);
}

/** Ends what this process holds. A child that was handed the descriptors goes on holding it. */
export function closeGateFiles({ turnstile, lock }: GateFiles): void {
  for (const descriptor of [lock, turnstile]) closeSync(descriptor);
}

/** Ends what is held through these descriptors, also for children that were handed them. */
export function unlockGateFiles({ turnstile, lock }: GateFiles): void {
  for (const descriptor of [lock, turnstile]) unlock(descriptor);
}

function openBoth(directory: string, flags: number): GateFiles {
  const turnstile = openSync(join(directory, TURNSTILE_FILE), flags, FILE_MODE);
  try {
    return { turnstile, lock: openSync(join(directory, LOCK_FILE), flags, FILE_MODE) };
  } catch (error) {
    closeSync(turnstile);
    throw error;
  }
}
