/** Tells a process from a later one with the same id. */
import { readFileSync } from 'node:fs';
import type { ProcessIdentity } from './attribute-writer.ts';

/** Field 22 of /proc/PID/stat, counted from the state, which follows the command in parentheses. */
const START_TIME = 22 - 3;

/** Undefined when there is no such process, it has ended and only waits to be reaped, or it cannot be seen from here. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const startTicks = fields[START_TIME];
    return startTicks === undefined || fields[0] === 'Z' ? undefined : { pid, startTicks };
  } catch {
    return undefined;
  }
}

/** Sends SIGKILL to that very process, if it is still there. */
export function killProcess({ pid, startTicks }: ProcessIdentity): void {
  if (identifyProcess(pid)?.startTicks !== startTicks) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
