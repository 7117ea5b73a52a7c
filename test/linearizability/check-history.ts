/** Runs the checker on a history. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { acquireTool } from '../../src/dev/acquire-tool.ts';

export interface Verdict {
  readonly verdict: 'linearizable' | 'not linearizable' | 'undecided';
  /** In words what cannot be. */
  readonly violations: readonly string[];
  /** What the search put in order, and on how many locks. */
  readonly operations: number;
  readonly locks: number;
  /** Acquisitions and releases whose end was seen, and how many of them met another client's on the same lock. */
  readonly counted: number;
  readonly overlapping: number;
  readonly searchMs: number;
}

export interface CheckOptions {
  /** JSON lines, see history.ts. */
  readonly history: string;
  /** Where Porcupine's picture goes. */
  readonly html?: string;
  /** Then the verdict is `undecided`. */
  readonly limitS?: number;
}

/** Beyond what the checker may search: to load, to draw, to print. */
const OVERHEAD_S = 60;

export async function checkHistory({ history, html, limitS = 60 }: CheckOptions): Promise<Verdict> {
  const checker = await acquireTool('lock-checker');
  const args = ['-timeout', `${String(limitS)}s`, ...(html === undefined ? [] : ['-html', html]), history];
  const { stdout } = await promisify(execFile)(checker, args, { timeout: (limitS + OVERHEAD_S) * 1_000 }).catch(
    (error: unknown) => {
      // A verdict that is not good news ends with a status of its own, and stands on stdout.
      const { stdout } = error as { stdout?: string };
      if (stdout) return { stdout };
      throw error;
    },
  );
  return JSON.parse(stdout) as Verdict;
}
