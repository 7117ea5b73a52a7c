/** Runs the commands of the story as a user's shell would, and shows them with what they really print. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { OrphanGuard } from '../orphan-guard.ts';
import { signalProcessGroup } from '../signal-process-group.ts';
import type { Narrator } from './narrator.ts';
import { StepFailure } from './step-failure.ts';

/** Longer than any `--timeout` in the story: 60 s for what takes a few on an idle machine. */
const COMMAND_LIMIT_MS = 90_000;
/** Of the output of a failed command, so many lines are quoted. */
const LINES_QUOTED = 12;

export interface ShellOptions {
  readonly narrator: Narrator;
  /** Commands run here; paths in them start here. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends the command that runs; it then throws the signal's reason. */
  readonly signal: AbortSignal;
}

/** What the output must contain for the story to go on. */
export interface Expectation {
  /** In words: "the block is gone". */
  readonly that: string;
  /** Each must match the output. */
  readonly output: readonly RegExp[];
}

interface Running {
  readonly child: ChildProcess;
  readonly lines: AsyncIterable<string>;
  /** Kills it with all that it started. Twice is harmless. */
  readonly end: () => void;
}

export class Shell {
  readonly #options: ShellOptions;
  /** Commands live in process groups of their own, which Ctrl-C does not reach: nor do they outlive this process. */
  readonly #guard = new OrphanGuard();

  constructor(options: ShellOptions) {
    this.#options = options;
  }

  /** Shows the command and its output. Throws StepFailure when it fails or prints something else than expected. */
  async show(command: string, expected: Expectation): Promise<void> {
    this.#options.narrator.command(command);
    const output = await this.#run(command, expected.that, (line) => {
      this.#options.narrator.line(line);
    });
    check(output, expected);
  }

  /** Shows a manifest, and applies it. `object` is what kubectl then says it has created. */
  async apply(file: string, object: string): Promise<void> {
    await this.show(`cat ${file}`, { that: `the manifest of ${object}`, output: [/^kind: /m] });
    await this.show(`kubectl apply -f ${file}`, {
      that: `${object} is created`,
      output: [new RegExp(`${object} created`)],
    });
  }

  /**
   * Shows a command that would go on for ever, such as `kubectl get --watch`, and ends it once its output is as expected.
   * A line that repeats what was last said about the same object, but for its age, is left out.
   */
  async watch(command: string, expected: Expectation, onLine: (line: string) => void = () => undefined): Promise<void> {
    const { narrator } = this.#options;
    narrator.command(command);
    const running = this.#start(command);
    const lastByObject = new Map<string, string>();
    let output = '';
    for await (const line of running.lines) {
      const columns = line.trim().split(/\s+/).slice(0, -1); // the last is the age
      const object = columns.find((column) => column.includes('-memory')) ?? '';
      const said = columns.join(' ');
      if (lastByObject.get(object) === said) continue;
      lastByObject.set(object, said);
      narrator.line(line);
      onLine(line);
      output += `${line}\n`;
      if (expected.output.every((pattern) => pattern.test(output))) {
        running.end();
        break;
      }
    }
    await this.#ended(running);
    check(output, { ...expected, that: `${expected.that}, within ${String(COMMAND_LIMIT_MS / 1000)} s` });
  }

  /** Runs a command that is no part of the story, and answers what it printed. */
  ask(command: string): Promise<string> {
    return this.#run(command, `an answer of: ${command}`, () => undefined);
  }

  async close(): Promise<void> {
    await this.#guard.dismiss();
  }

  async #run(command: string, that: string, onLine: (line: string) => void): Promise<string> {
    const running = this.#start(command);
    let output = '';
    for await (const line of running.lines) {
      onLine(line);
      output += `${line}\n`;
    }
    const how = await this.#ended(running);
    if (how !== 'status 0') throw new StepFailure(that, `the command ended with ${how} and printed:\n${quote(output)}`);
    return output;
  }

  /** Answers how it ended; throws when the story was ended meanwhile. */
  async #ended({ child }: Running): Promise<string> {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    this.#guard.guard([]);
    this.#options.signal.throwIfAborted();
    return child.signalCode ?? `status ${String(child.exitCode)}`;
  }

  #start(command: string): Running {
    const { directory, env, signal } = this.#options;
    signal.throwIfAborted();
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    const child = spawn('sh', ['-c', command], { cwd: directory, env, stdio: [...stdio], detached: true });
    const { pid } = child;
    const end = (): void => {
      if (pid !== undefined) signalProcessGroup(pid, 'SIGKILL');
    };
    if (pid !== undefined) this.#guard.guard([pid]);
    const limit = setTimeout(end, COMMAND_LIMIT_MS);
    signal.addEventListener('abort', end, { once: true });
    child.once('close', () => {
      clearTimeout(limit);
      signal.removeEventListener('abort', end);
    });
    return { child, lines: createInterface({ input: bothStreams(child) }), end };
  }
}

/** In the order in which they arrive, as on a terminal. */
function bothStreams(child: ChildProcess): PassThrough {
  const both = new PassThrough();
  child.stdout?.pipe(both, { end: false });
  child.stderr?.pipe(both, { end: false });
  child.once('close', () => both.end());
  return both;
}

function check(output: string, { that, output: patterns }: Expectation): void {
  const missing = patterns.find((pattern) => !pattern.test(output));
  if (missing) throw new StepFailure(that, `nothing that matches ${String(missing)} in:\n${quote(output)}`);
}

function quote(output: string): string {
  const lines = output.trimEnd().split('\n').slice(-LINES_QUOTED);
  return lines.map((line) => `    ${line}`).join('\n');
}
