/** Who holds a flock, as /proc tells it. */
import { fstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

export interface FlockHolder {
  readonly pid: number;
  readonly command: string;
}

/** What Node calls the main thread of every process: no name of a program. */
const NODE_MAIN_THREAD = 'MainThread';

/**
 * The processes that hold a flock on the file behind `descriptor`. /proc/locks names the process that took it, which with
 * flock(1) has ended by then: where that does not have the lock any more, everybody who inherited it is searched for.
 *
 * Processes of another pid namespace show only in the initial one: an agent in a pod needs `hostPID`.
 */
export function flockHolders(descriptor: number): readonly FlockHolder[] {
  const { ino } = fstatSync(descriptor);
  const rows = parseProcLocks(readFileSync('/proc/locks', 'utf8')).filter((row) => row.inode === ino);
  if (rows.length === 0) return [];
  const takers = [...new Set(rows.map((row) => row.pid))];
  const file = basename(readlinkSync(`/proc/self/fd/${String(descriptor)}`));
  const isHeir = (pid: number): boolean => hasFlock(pid, file, ino);
  const pids = takers.every(isHeir) ? takers : allPids().filter(isHeir);
  return pids.map((pid) => ({ pid, command: commandOf(pid) }));
}

interface FlockRow {
  readonly pid: number;
  readonly inode: number;
}

/** `1: FLOCK  ADVISORY  READ 123 fe:00:4711 0 EOF`; a waiter has an arrow in front and is left out. */
export function parseProcLocks(text: string): readonly FlockRow[] {
  const row = /^(?:lock:\s*)?\d+: FLOCK +\S+ +\S+ +(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /gm;
  return [...text.matchAll(row)].map(([, pid, inode]) => ({ pid: Number(pid), inode: Number(inode) }));
}

/** Whether one of the descriptors of `pid` stands for an open file of this name that holds a flock. */
function hasFlock(pid: number, file: string, inode: number): boolean {
  const process = `/proc/${String(pid)}`;
  return descriptorsOf(process).some((descriptor) => {
    // The name first: it costs least. A path would not do, since mount namespaces show it differently.
    const target = tryRead(() => readlinkSync(`${process}/fd/${descriptor}`));
    if (target === undefined || basename(target) !== file) return false;
    const locks = tryRead(() => readFileSync(`${process}/fdinfo/${descriptor}`, 'utf8')) ?? '';
    return parseProcLocks(locks).some((row) => row.inode === inode);
  });
}

function descriptorsOf(process: string): readonly string[] {
  return tryRead(() => readdirSync(`${process}/fd`)) ?? [];
}

function allPids(): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid));
}

/** As in /proc/<pid>/comm; of a Node process the program and its script instead. */
export function commandOf(pid: number): string {
  const command = tryRead(() => readFileSync(`/proc/${String(pid)}/comm`, 'utf8'))?.trim();
  if (command !== NODE_MAIN_THREAD) return command ?? 'a process that has ended';
  const words =
    tryRead(() => readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8'))
      ?.split('\0')
      .slice(0, 2) ?? [];
  return words.map((word) => basename(word)).join(' ');
}

/** Undefined of a process that has ended meanwhile, or is another user's. */
function tryRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
