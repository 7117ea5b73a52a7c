/** `npm run demo` as a process of its own, as a user starts it. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { OrphanGuard } from '../../src/dev/orphan-guard.ts';
import { eventually } from './eventually.ts';
import { REPOSITORY } from './run-command.ts';

/** Every process that the demo starts inherits this variable: whoever still has it has been left behind. */
const MARK = 'MEMHP_TEST_DEMO';

/** The whole story takes half of this on two cores. */
const PRINTED_LIMIT_MS = 60_000;

export interface DemoProcess {
  /** What it has printed so far, on both streams. */
  output(): string;
  /** Resolves with the match once the output has it; fails when the demo ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** As Ctrl-C does, once. */
  interrupt(): void;
  readonly exited: Promise<number | null>;
  /** Processes that it started, or that those started, and that still run. Empty where there is no /proc. */
  remains(): string[];
}

export function startDemo(args: readonly string[], env: Readonly<Record<string, string>> = {}): DemoProcess {
  const mark = randomUUID();
  const child = spawn(process.execPath, [path.join('tools', 'bootstrap.mjs'), 'src/dev/demo-command.ts', ...args], {
    cwd: REPOSITORY,
    env: { ...process.env, ...env, [MARK]: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const guard = new OrphanGuard();
  if (child.pid !== undefined) guard.guard([child.pid]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const exited = once(child, 'close').then(async ([status]: unknown[]) => {
    await guard.dismiss();
    return status as number | null;
  });
  return {
    output: () => output,
    printed: (pattern) => {
      const found = (): RegExpExecArray | undefined => pattern.exec(output) ?? undefined;
      const inTime = eventually(`the demo prints ${String(pattern)}`, found, { limitMs: PRINTED_LIMIT_MS });
      return Promise.race([inTime, exited.then((status) => found() ?? fail(status, pattern, output))]);
    },
    interrupt: () => child.kill('SIGINT'),
    exited,
    remains: () => processesWith(`${MARK}=${mark}`),
  };
}

function fail(status: number | null, pattern: RegExp, output: string): never {
  throw new Error(`the demo ended with status ${String(status)} without ${String(pattern)}:\n${output}`);
}

/** Command lines of all processes that have this variable in their environment. */
function processesWith(variable: string): string[] {
  if (process.platform !== 'linux') return [];
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(variable)) {
        found.push(readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' '));
      }
    } catch {
      // Ended meanwhile, or somebody else's.
    }
  }
  return found;
}
