/** `npm run cluster` as a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from './eventually.ts';
import { REPOSITORY } from './run-command.ts';

/** Ready in 4 s on 2 idle cores. */
const PRINTED_LIMIT_MS = 90_000;

export interface ClusterProcess {
  /** Resolves once its output has it; fails when it ends before. */
  printed(pattern: RegExp): Promise<void>;
  /** SIGKILL. */
  kill(): void;
}

export function startClusterCommand(args: readonly string[], env: Readonly<Record<string, string>>): ClusterProcess {
  const child = spawn(process.execPath, ['src/dev/cluster/cluster-command.ts', ...args], {
    cwd: REPOSITORY,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const ended = once(child, 'close').then(() => {
    throw new Error(`npm run cluster -- ${args.join(' ')} has ended: ${output}`);
  });
  ended.catch(() => undefined); // as it should, in the end
  return {
    printed: async (pattern) => {
      const inTime = eventually(`it prints ${String(pattern)}`, () => pattern.test(output), {
        limitMs: PRINTED_LIMIT_MS,
      });
      await Promise.race([inTime, ended]);
    },
    kill: () => child.kill('SIGKILL'),
  };
}
