/**
 * Child processes that belong together: each logs to a file of its own, all stop in reverse order of their start, a
 * death that nobody asked for is reported, and none outlives this process, however it ends.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, closeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { OrphanGuard } from './orphan-guard.ts';
import { signalProcessGroup } from './signal-process-group.ts';

/** What a server may take for an orderly end before it is killed; etcd and kube-apiserver need about one second. */
const STOP_TIMEOUT_MS = 10_000;
/** Of a log, how much a report quotes. */
const LOG_TAIL_BYTES = 4096;

export interface ChildSpec {
  /** Names the process in reports, and its log file. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface ExitReport {
  readonly name: string;
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Nobody asked for it. */
  readonly unexpected: boolean;
  readonly logFile: string;
  /** End of the log. */
  readonly logTail: string;
}

export interface SupervisedChild {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  readonly isRunning: boolean;
  /** Settles once, when the process has ended; never rejects. */
  readonly exited: Promise<ExitReport>;
  /** SIGTERM, then SIGKILL after the limit. Resolves when the process is gone; twice is harmless. */
  stop(): Promise<ExitReport>;
  /** SIGKILL at once, as a crash would look. Resolves when the process is gone. */
  kill(): Promise<ExitReport>;
}

export interface SuperviseOptions {
  /** Log files go here; they are appended to, so that a restarted server keeps its earlier log. */
  readonly logDirectory: string;
  readonly stopTimeoutMs?: number;
  /** Told of every child that ended without being asked to. */
  readonly onUnexpectedExit?: (report: ExitReport) => void;
}

export interface ProcessGroup {
  /** Throws when the command cannot be started, and once `stopAll` was called. */
  start(spec: ChildSpec): Promise<SupervisedChild>;
  /** Those that run now, in the order of their start. */
  running(): readonly SupervisedChild[];
  /** Stops all, the last started first. Afterwards none runs, nor will: a start that is under way fails. */
  stopAll(): Promise<void>;
}

export function supervise(options: SuperviseOptions): ProcessGroup {
  const children = new Set<Child>();
  const orphanGuard = new OrphanGuard();
  let isClosed = false;
  const checkOpen = (name: string): void => {
    if (isClosed) throw new Error(`${name} is not started: its process group is being stopped`);
  };
  const updateGuard = (): void => {
    orphanGuard.guard([...children].map((child) => child.pid));
  };

  return {
    async start(spec) {
      checkOpen(spec.name);
      const child = await Child.start(spec, options);
      if (isClosed) await child.kill();
      checkOpen(spec.name);
      children.add(child);
      updateGuard();
      void child.exited.then((report) => {
        children.delete(child);
        updateGuard();
        if (report.unexpected) options.onUnexpectedExit?.(report);
      });
      return child;
    },
    running: () => [...children].filter(({ isRunning }) => isRunning),
    async stopAll() {
      isClosed = true;
      for (const child of [...children].reverse()) await child.stop();
      await orphanGuard.dismiss();
    },
  };
}

/** One line for people: who ended, how, and the end of its log. */
export function describeExit(report: ExitReport): string {
  const how = report.signal ? `was ended by ${report.signal}` : `ended with status ${String(report.status)}`;
  return `${report.name} ${how}. End of its log (${report.logFile}):\n${report.logTail}`;
}

class Child implements SupervisedChild {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  readonly exited: Promise<ExitReport>;
  isRunning = true;
  readonly #stopTimeoutMs: number;
  #endAsked = false;

  /** Resolves once the process has been spawned. */
  static async start(spec: ChildSpec, options: SuperviseOptions): Promise<Child> {
    mkdirSync(options.logDirectory, { recursive: true });
    const logFile = path.join(options.logDirectory, `${spec.name}.log`);
    const log = openSync(logFile, 'a');
    const child = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: { ...process.env, ...spec.env },
      stdio: ['ignore', log, log],
      // A process group of its own: Ctrl-C in the terminal reaches only us, and the order of stopping is ours.
      detached: true,
    });
    closeSync(log);
    await once(child, 'spawn').catch((error: unknown) => {
      throw new Error(`${spec.name} cannot be started: ${String(error)}`, { cause: error });
    });
    return new Child(spec.name, child, logFile, options.stopTimeoutMs ?? STOP_TIMEOUT_MS);
  }

  constructor(name: string, child: ChildProcess, logFile: string, stopTimeoutMs: number) {
    this.name = name;
    this.pid = child.pid ?? 0;
    this.logFile = logFile;
    this.#stopTimeoutMs = stopTimeoutMs;
    this.exited = this.#waitForExit(child);
  }

  async stop(): Promise<ExitReport> {
    this.#signal('SIGTERM');
    const escalation = setTimeout(() => {
      this.#signal('SIGKILL');
    }, this.#stopTimeoutMs);
    const report = await this.exited;
    clearTimeout(escalation);
    return report;
  }

  kill(): Promise<ExitReport> {
    this.#signal('SIGKILL');
    return this.exited;
  }

  async #waitForExit(child: ChildProcess): Promise<ExitReport> {
    const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    this.isRunning = false;
    signalProcessGroup(this.pid, 'SIGKILL'); // what it started and left behind
    const logTail = await readTail(this.logFile);
    const { name, logFile } = this;
    return { name, status, signal, unexpected: !this.#endAsked, logFile, logTail };
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.isRunning) return;
    this.#endAsked = true;
    signalProcessGroup(this.pid, signal);
  }
}

/** The end of a log file; empty when there is none. */
export async function readTail(file: string): Promise<string> {
  const handle = await open(file).catch(() => undefined);
  if (!handle) return '';
  try {
    const { size } = await handle.stat();
    const position = Math.max(0, size - LOG_TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(LOG_TAIL_BYTES), 0, LOG_TAIL_BYTES, position);
    return buffer.toString('utf8', 0, bytesRead).trimEnd();
  } finally {
    await handle.close();
  }
}
