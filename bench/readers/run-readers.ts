import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describeExit, type ProcessGroup } from '../../src/dev/supervise.ts';
import type { ReaderResult, ReaderTask } from './reader-task.ts';

const READER_PROCESS = path.join(import.meta.dirname, 'reader-process.ts');
/** Until every process has loaded and connected: they start to count together. */
const START_DELAY_MS = 1_000;
/** On a busy machine loading takes longer, and then the end comes later. */
const GRACE_MS = 20_000;

export interface ReadersOptions {
  readonly lock: ReaderTask['lock'];
  readonly processes: number;
  readonly durationMs: number;
  /** For result files. */
  readonly directory: string;
}

/** Runs reader processes side by side, with files as their standard streams: a pipe from Node would be a socket. */
export async function runReaders(group: ProcessGroup, options: ReadersOptions): Promise<readonly ReaderResult[]> {
  const { lock, processes, durationMs, directory } = options;
  const startAtMs = Date.now() + START_DELAY_MS;
  return Promise.all(
    Array.from({ length: processes }, (_, index) => {
      const name = `reader-${String(index)}`;
      return runReader(group, name, { lock, startAtMs, durationMs, resultFile: path.join(directory, `${name}.json`) });
    }),
  );
}

async function runReader(group: ProcessGroup, name: string, task: ReaderTask): Promise<ReaderResult> {
  const reader = await group.start({
    name,
    command: process.execPath,
    args: [READER_PROCESS, JSON.stringify(task)],
  });
  const limit = setTimeout(() => void reader.kill(), START_DELAY_MS + task.durationMs + GRACE_MS);
  const report = await reader.exited;
  clearTimeout(limit);
  if (report.status !== 0) throw new Error(describeExit(report));
  return JSON.parse(await readFile(task.resultFile, 'utf8')) as ReaderResult;
}
