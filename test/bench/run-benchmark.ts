import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const RUN = path.resolve(import.meta.dirname, '../../bench/run.ts');

/** Runs a benchmark in a process of its own, as a user does; answers what it printed and its JSON. */
export async function runBenchmark(...args: readonly string[]): Promise<{ printed: string; report: unknown }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'memhp-bench-test-'));
  try {
    const output = path.join(directory, 'report.json');
    const { stdout } = await promisify(execFile)(process.execPath, [RUN, ...args, '--output', output]);
    return { printed: stdout, report: JSON.parse(await readFile(output, 'utf8')) as unknown };
  } finally {
    await rm(directory, { recursive: true });
  }
}
