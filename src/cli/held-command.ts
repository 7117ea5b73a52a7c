/** The command of `memhp lock`: one child process, run at most once, whoever asks for it and how often. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';

/** As of a shell. */
const EXIT = { notExecutable: 126, notFound: 127, signalled: 128 };

export class HeldCommand {
  readonly #words: readonly [string, ...string[]];
  #child: ChildProcess | undefined;
  #status: Promise<number> | undefined;

  constructor(words: readonly [string, ...string[]]) {
    this.#words = words;
  }

  /** Whether it was started, or will not be any more. */
  get isDecided(): boolean {
    return this.#status !== undefined;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts it with this process's own standard streams, unless it was started; resolves with its exit status. */
  run(): Promise<number> {
    return (this.#status ??= this.#start());
  }

  /** Keeps it from being started: `run` answers `status`. Too late once it was started. */
  forgo(status: number): void {
    this.#status ??= Promise.resolve(status);
  }

  /** Sends a signal to it, if it runs. */
  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#child?.kill(signal);
  }

  async #start(): Promise<number> {
    const [file, ...args] = this.#words;
    const child = spawn(file, args, { stdio: 'inherit' });
    this.#child = child;
    try {
      const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
      return signal === null ? (code ?? 1) : statusOfSignal(signal);
    } catch (error) {
      process.stderr.write(`memhp: cannot run ${file}: ${(error as Error).message}\n`);
      this.#child = undefined;
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? EXIT.notFound : EXIT.notExecutable;
    }
  }
}

/** What a shell tells of a process that a signal has ended. */
export function statusOfSignal(signal: NodeJS.Signals): number {
  return EXIT.signalled + constants.signals[signal];
}
