import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { OrphanGuard } from '../../src/dev/orphan-guard.ts';
import { signalProcessGroup } from '../../src/dev/signal-process-group.ts';

export const REPOSITORY = path.resolve(import.meta.dirname, '../..');

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Kills the command and everything in its process group. */
  readonly signal?: AbortSignal;
  /** Keep what it prints, instead of passing it on. */
  readonly capture?: boolean;
  /** Told all that was captured so far, whenever there is more. */
  readonly onOutput?: (output: string) => void;
}

export interface CommandResult {
  /** Null when it was ended by a signal. */
  readonly status: number | null;
  /** Of both streams; empty unless captured. */
  readonly output: string;
}

/** Runs an executable of node_modules/.bin or PATH in the repository's root, in a process group of its own. */
export async function runCommand(
  [command, ...args]: readonly [string, ...string[]],
  { env = {}, signal, capture = false, onOutput }: CommandOptions = {},
): Promise<CommandResult> {
  const searchPath = [path.join(REPOSITORY, 'node_modules', '.bin'), process.env['PATH'] ?? ''].join(path.delimiter);
  const stdio = capture ? 'pipe' : 'inherit';
  const child = spawn(command, args, {
    cwd: REPOSITORY,
    env: { ...process.env, PATH: searchPath, ...env },
    stdio: ['ignore', stdio, stdio],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      onOutput?.(output);
    });
  }
  const exited = once(child, 'close') as Promise<[number | null]>;
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  const guard = new OrphanGuard();
  guard.guard([pid]);
  const kill = (): void => {
    signalProcessGroup(pid, 'SIGKILL');
  };
  if (signal?.aborted) kill();
  signal?.addEventListener('abort', kill);
  const [status] = await exited;
  signal?.removeEventListener('abort', kill);
  await guard.dismiss();
  return { status, output };
}
