/** A real process that reads a node's memory: it says `inside` once it holds get_online_mems(). */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { WriteGate } from '../../src/online-mems/write-gate.ts';
import { REPOSITORY } from './run-command.ts';

export const MEMHP = path.join(REPOSITORY, 'src/cli/memhp.ts');

export class ReaderProcess {
  readonly child: ChildProcessWithoutNullStreams;
  /** Status or signal that it ended with. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  stderr = '';
  readonly #inside = Promise.withResolvers<undefined>();

  /** Ends with the test process: it reads from a pipe of it. */
  constructor(command: string, args: readonly string[]) {
    this.child = spawn(command, args);
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    createInterface(this.child.stdout).on('line', (line) => {
      if (line === 'inside') this.#inside.resolve(undefined);
    });
    this.ended = once(this.child, 'close').then(([status, signal]) => (status ?? signal) as number);
  }

  /**
   * `memhp online-mems run` of a shell that stays inside until its standard input ends. One process: a child of the shell
   * would let go of the lock a moment after the shell has ended.
   */
  static memhp(directory: string, script = 'echo inside; read l'): ReaderProcess {
    return new ReaderProcess(process.execPath, [
      MEMHP,
      'online-mems',
      'run',
      '--directory',
      directory,
      '--',
      'sh',
      '-c',
      script,
    ]);
  }

  /** flock(1), as anybody would write it. */
  static flock(directory: string): ReaderProcess {
    const script =
      'cd "$1"; exec 8<turnstile 9<mem_hotplug.lock; flock -s 8; flock -s 9; exec 8<&-; echo inside; read l';
    return new ReaderProcess('sh', ['-c', script, 'sh', directory]);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Resolves when it holds the lock; rejects when it ends before. */
  async inside(): Promise<this> {
    const gone = this.ended.then((how) => {
      throw new Error(`the reader ended with ${String(how)}: ${this.stderr}`);
    });
    await Promise.race([this.#inside.promise, gone]);
    return this;
  }

  get isInside(): Promise<boolean> {
    return Promise.race([this.#inside.promise.then(() => true), Promise.resolve(false)]);
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<unknown> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** A node's directory with its gate. */
export class GateStage {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'memhp-gate-'));
  readonly readers: ReaderProcess[] = [];
  gate = new WriteGate({ directory: this.directory });

  started(reader: ReaderProcess): Promise<ReaderProcess> {
    this.readers.push(reader);
    return reader.inside();
  }

  /** As after a restart of the agent. */
  restart(): WriteGate {
    this.gate.close();
    this.gate = new WriteGate({ directory: this.directory });
    return this.gate;
  }

  async close(): Promise<void> {
    this.gate.close();
    await Promise.all(this.readers.map((reader) => reader.kill()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}
