/** What a process has used, as the kernel counts it; Linux only. */
import { readFile } from 'node:fs/promises';

/** USER_HZ: 100 on every architecture that Linux runs Node on. */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/<pid>/stat behind the command's name, from 0. */
const UTIME = 11;
const STIME = 12;

export interface RunningProcess {
  readonly name: string;
  readonly pid: number;
}

export interface ProcessUsage extends RunningProcess {
  /** Processor time since its start, user and system. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** The most that it has ever had. */
  readonly peakResidentBytes: number;
}

/** Throws when the process has ended. */
export async function readUsage({ name, pid }: RunningProcess): Promise<ProcessUsage> {
  const [stat, status] = await Promise.all(
    ['stat', 'status'].map((file) => readFile(`/proc/${String(pid)}/${file}`, 'utf8')),
  );
  const fields = (stat ?? '').slice((stat ?? '').lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[UTIME]) + Number(fields[STIME]);
  const kibibytes = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status ?? '')?.[1]);
  return {
    name,
    pid,
    cpuSeconds: ticks / TICKS_PER_SECOND,
    residentBytes: 1024 * kibibytes('VmRSS'),
    peakResidentBytes: 1024 * kibibytes('VmHWM'),
  };
}

/** Of each of `later`, what was used since `earlier`; one that was not there before has used all that it has. */
export function usedSince(earlier: readonly ProcessUsage[], later: readonly ProcessUsage[]): readonly ProcessUsage[] {
  return later.map((usage) => {
    const before = earlier.find(({ pid }) => pid === usage.pid);
    return { ...usage, cpuSeconds: usage.cpuSeconds - (before?.cpuSeconds ?? 0) };
  });
}
