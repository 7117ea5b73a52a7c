/** Runs the commands of a README as its reader would: from the repository's root, each heading's in a shell of its own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { OrphanGuard } from '../../src/dev/orphan-guard.ts';
import { signalProcessGroup } from '../../src/dev/signal-process-group.ts';
import { readmeCommands } from './readme-commands.ts';
import { REPOSITORY, runCommand } from './run-command.ts';

type Env = Readonly<Record<string, string>>;

/** What a reader leaves running in a terminal. */
export interface Terminal {
  /** What it has printed so far, on both streams. */
  readonly output: string;
  readonly isRunning: boolean;
  /** Ctrl-C; answers the exit status. A second call finds it ended. */
  interrupt(): Promise<number | null>;
  /** Ends it where it still runs. */
  close(): Promise<void>;
}

export class ReadmeShell {
  readonly #commands: ReadonlyMap<string, string>;
  readonly #env: Env;

  constructor(file: string, env: Env) {
    this.#commands = readmeCommands(file);
    this.#env = env;
  }

  /** Answers what the commands print; fails where one of them does. */
  async run(heading: string): Promise<string> {
    const { status, output } = await runCommand(this.#shell(heading), { env: this.#env, capture: true });
    if (status !== 0) throw new Error(`the commands below "${heading}" ended with status ${String(status)}: ${output}`);
    return output;
  }

  start(heading: string): Promise<Terminal> {
    return openTerminal(this.#shell(heading), this.#env);
  }

  /** What stands above the first heading goes before each. */
  #shell(heading: string): [string, ...string[]] {
    const commands = this.#commands.get(heading);
    assert.ok(commands !== undefined, `there are no commands below "${heading}"`);
    return ['bash', '-euo', 'pipefail', '-c', `${this.#commands.get('') ?? ''}\n${commands}`];
  }
}

/** Starts a command in the repository's root and leaves it running. */
export async function openTerminal([command, ...args]: readonly [string, ...string[]], env: Env): Promise<Terminal> {
  const child = spawn(command, args, {
    cwd: REPOSITORY,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const exited = once(child, 'close') as Promise<[number | null]>;
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  const guard = new OrphanGuard();
  guard.guard([pid]);
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (isRunning()) signalProcessGroup(pid, signal);
    const [status] = await exited;
    return status;
  };
  return {
    get output() {
      return output;
    },
    get isRunning() {
      return isRunning();
    },
    interrupt: () => end('SIGINT'),
    close: async () => {
      await end('SIGKILL');
      await guard.dismiss();
    },
  };
}
