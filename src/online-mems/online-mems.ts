/**
 * `get_online_mems()` for processes of a node: while it is held, no memory block of the node is added, removed or changes
 * its state through this project. Costs no server, and ends at the latest with the process.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { fstatSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { tryFlock, unlock } from './flock.ts';
import { closeGateFiles, openGateFiles, unlockGateFiles, type GateFiles } from './gate-files.ts';

export interface OnlineMemsOptions {
  /** The node's directory: `/run/memhp/<node>`; of a simulated node, its state directory. */
  readonly directory: string;
}

export interface GetOnlineMemsOptions {
  /** How long to wait for a writer; for ever when unset. */
  readonly timeoutMs?: number;
  /** Ends the wait; its reason is thrown. */
  readonly signal?: AbortSignal;
}

/** ENOENT: no agent has served the node here. EDEADLK, ETIMEDOUT: see `getOnlineMems`. EINVAL: put without get. */
export class OnlineMemsError extends Error {
  override readonly name = 'OnlineMemsError';
  readonly code: 'ENOENT' | 'EDEADLK' | 'ETIMEDOUT' | 'EINVAL';

  constructor(code: OnlineMemsError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A writer works for seconds: looking 20 times a second costs nothing and is soon enough. */
const POLL_MS_MAX = 50;
/** For so long after the turnstile was seen open a reader beside another does not look again: two system calls saved. */
const TURNSTILE_TRUST_MS = 1;

/** Throws an OnlineMemsError with ENOENT when the node has no such files. Close it when the process goes on without it. */
export function openOnlineMems(options: OnlineMemsOptions): OnlineMems {
  return new OnlineMems(options.directory);
}

/**
 * All readers of this process share one lock on the node; only the first takes it and only the last gives it back. A
 * writer that waits turns later ones away all the same, a millisecond after it has come, so that it is not starved.
 */
export class OnlineMems {
  readonly #directory: string;
  /** Set within `withOnlineMems`. */
  readonly #scope = new AsyncLocalStorage<true>();
  #files: GateFiles;
  #readers = 0;
  #trustedUntilMs = 0;

  constructor(directory: string) {
    this.#directory = directory;
    this.#files = openFiles(directory);
  }

  /**
   * Resolves when memory stays as it is; pair it with `putOnlineMems`. Waits while a writer works or waits. Rejects with
   * ETIMEDOUT after `timeoutMs`, and with EDEADLK where it would wait for a writer which waits for its own caller: within
   * `withOnlineMems`.
   */
  getOnlineMems(options: GetOnlineMemsOptions = {}): Promise<void> {
    return this.tryGetOnlineMems() ? DONE : this.#wait(options);
  }

  /** As `getOnlineMems`, but answers false instead of waiting. */
  tryGetOnlineMems(): boolean {
    const nowMs = performance.now();
    if (this.#readers > 0 && nowMs < this.#trustedUntilMs) {
      this.#readers++;
      return true;
    }
    if (!tryFlock(this.#files.turnstile, 'shared')) return false;
    try {
      if (this.#readers === 0 && !this.#takeLock()) return false;
      this.#readers++;
      this.#trustedUntilMs = nowMs + TURNSTILE_TRUST_MS;
      return true;
    } finally {
      unlock(this.#files.turnstile);
    }
  }

  /** Gives one `getOnlineMems` back. Without one it throws EINVAL. */
  putOnlineMems(): void {
    if (this.#readers === 0) throw new OnlineMemsError('EINVAL', 'putOnlineMems without getOnlineMems');
    if (--this.#readers === 0) unlock(this.#files.lock);
  }

  /** Runs `work` between get and put. A nested get that would deadlock is refused (EDEADLK). */
  async withOnlineMems<T>(work: () => Promise<T> | T, options?: GetOnlineMemsOptions): Promise<T> {
    await this.getOnlineMems(options);
    try {
      return await this.#scope.run(true, work);
    } finally {
      this.putOnlineMems();
    }
  }

  /** Of the file that is locked while anybody reads; a program that inherits it goes on holding. */
  get lockDescriptor(): number {
    return this.#files.lock;
  }

  /** Gives everything back. */
  close(): void {
    this.#readers = 0;
    unlockGateFiles(this.#files);
    closeGateFiles(this.#files);
  }

  #takeLock(): boolean {
    const { lock } = this.#files;
    if (!tryFlock(lock, 'shared')) return false;
    if (fstatSync(lock).nlink > 0) return true;
    // Somebody has cleared the directory: a lock on the old file would exclude nobody.
    unlock(lock);
    const gone = this.#files;
    this.#files = openFiles(this.#directory);
    closeGateFiles(gone);
    return false;
  }

  async #wait({ timeoutMs, signal }: GetOnlineMemsOptions): Promise<void> {
    if (this.#scope.getStore()) {
      const why = 'a writer waits for this caller to leave; a nested getOnlineMems would wait for that writer';
      throw new OnlineMemsError('EDEADLK', `${why}: take it once, around both`);
    }
    const endMs = performance.now() + (timeoutMs ?? Number.POSITIVE_INFINITY);
    for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, POLL_MS_MAX)) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) {
        const limit = `${String((timeoutMs ?? 0) / 1000)} s`;
        throw new OnlineMemsError('ETIMEDOUT', `memory of ${this.#directory} was being changed for ${limit}`);
      }
      await delay(Math.min(pauseMs, leftMs), undefined, signal ? { signal } : {});
      if (this.tryGetOnlineMems()) return;
    }
  }
}

const DONE = Promise.resolve();

function openFiles(directory: string): GateFiles {
  try {
    return openGateFiles(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const advice = 'start memhp agent for this node on this host, or name the directory that it uses';
    throw new OnlineMemsError('ENOENT', `no agent has served a node from ${directory}: ${advice}`, { cause: error });
  }
}
