/**
 * Writes attributes in child processes. A system call in a thread of the agent could not be interrupted, and the agent could
 * not end before it returned.
 *
 * The child's standard output is a file with a flock on it, which the child alone has: it is free when, and not before, the
 * child is gone and its system call has returned. That is true across agents and across pid namespaces. The pid is needed
 * for the signal only.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tryFlock } from '../../online-mems/flock.ts';
import type { AttributeWrite, AttributeWriter, PreparedWrite } from './attribute-writer.ts';
import type { ProcessIdentity, StartedWrite, WriteEnd } from './attribute-writer.ts';
import { identifyProcess, killProcess } from './process-identity.ts';

/** `.ts` in the repository, `.js` in the built package. */
const EXTENSION = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
const PROGRAM = fileURLToPath(new URL(`./write-attribute${EXTENSION}`, import.meta.url));
/** How soon the end of a write is seen that an earlier agent began. */
const WATCH_MS = 50;

export class ChildWriter implements AttributeWriter {
  /** What the last write's process answered; holds that process's flock. */
  readonly #answerFile: string;
  readonly #closing = new AbortController();

  /** `directory` is the node's own, and exists. */
  constructor(directory: string) {
    this.#answerFile = join(directory, 'write.json');
  }

  async prepare({ file, text, gateDescriptors }: AttributeWrite): Promise<PreparedWrite> {
    const answer = this.#openAnswer();
    try {
      if (!tryFlock(answer, 'exclusive')) throw new Error(`${this.#answerFile} is locked: another write goes on`);
      ftruncateSync(answer);
      const child = spawn(process.execPath, ['--no-warnings', PROGRAM, file, text], {
        stdio: ['pipe', answer, 'inherit', ...gateDescriptors],
        // Nothing of the agent's surroundings changes what the program does.
        env: {},
        // Ctrl-C in the agent's terminal must not interrupt the kernel.
        detached: true,
      });
      await once(child, 'spawn');
      return this.#startedBy(child);
    } finally {
      // Closed, not unlocked: the child has the lock now.
      closeSync(answer);
    }
  }

  isBusy(): boolean {
    const answer = this.#openAnswer();
    try {
      return !tryFlock(answer, 'exclusive');
    } finally {
      closeSync(answer);
    }
  }

  resume(process: ProcessIdentity | undefined): StartedWrite {
    return {
      ended: this.#untilFree().then(() => this.#answer()),
      interrupt: () => {
        if (process) killProcess(process);
      },
    };
  }

  close(): void {
    this.#closing.abort();
  }

  #startedBy(child: ChildProcess): PreparedWrite {
    const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
    // A child that died early takes its end of the pipe with it; its exit tells all.
    child.stdin?.on('error', () => undefined);
    child.unref();
    const ended = new Promise((resolve) => child.once('exit', resolve));
    return {
      ...(identity ? { process: identity } : {}),
      ended: ended.then(() => this.#answer()),
      begin: () => child.stdin?.end('\n'),
      interrupt: () => child.kill('SIGKILL'),
    };
  }

  /** Never resolves once this writer has closed. */
  #untilFree(): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#closing.signal.aborted) return;
        if (this.isBusy()) setTimeout(look, WATCH_MS).unref();
        else resolve();
      };
      look();
    });
  }

  #openAnswer(): number {
    return openSync(this.#answerFile, constants.O_RDWR | constants.O_CREAT, 0o600);
  }

  #answer(): WriteEnd {
    try {
      return JSON.parse(readFileSync(this.#answerFile, 'utf8')) as WriteEnd;
    } catch {
      // Empty, or cut off: the process did not live to tell.
      return {};
    }
  }
}
