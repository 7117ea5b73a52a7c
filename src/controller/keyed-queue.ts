/**
 * Work by key: a key that is added many times is processed once, never twice at a time, and again if it was added
 * meanwhile. In memory only; what must survive a restart is in the objects' status.
 */
import { backoffMs, type Backoff } from './backoff.ts';
import { systemClock, type Clock } from './clock.ts';

/** An error here is a bug or a server that cannot be reached: quick at first, then seldom. */
const ERROR_BACKOFF: Backoff = { baseMs: 200, maxMs: 60_000 };

export interface KeyedQueueOptions {
  /** Resolves with the time after which to process the key again, if nothing happens before; rejects to back off. */
  readonly process: (key: string) => Promise<number | undefined>;
  readonly concurrency: number;
  readonly onError: (key: string, error: unknown, retryMs: number) => void;
  readonly errorBackoff?: Backoff;
  readonly clock?: Clock;
}

export class KeyedQueue {
  readonly #options: KeyedQueueOptions;
  readonly #clock: Clock;
  readonly #waiting = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  /** Added while being processed. */
  readonly #again = new Set<string>();
  readonly #timers = new Map<string, { dueMs: number; cancel: () => void }>();
  readonly #failures = new Map<string, number>();
  #isDraining = false;
  #isDispatching = false;

  constructor(options: KeyedQueueOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Ignored after `drain`. */
  add(key: string): void {
    if (this.#isDraining) return;
    this.#cancelTimer(key);
    if (this.#running.has(key)) this.#again.add(key);
    else this.#waiting.add(key);
    this.#dispatch();
  }

  /** Adds `key` after `delayMs`; of several times the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    const dueMs = this.#clock.nowMs() + delayMs;
    const pending = this.#timers.get(key);
    if (this.#isDraining || (pending && pending.dueMs <= dueMs)) return;
    pending?.cancel();
    const cancel = this.#clock.after(delayMs, () => {
      this.add(key);
    });
    this.#timers.set(key, { dueMs, cancel });
  }

  /** Keys that wait, run, or are due later. */
  get size(): number {
    return new Set([...this.#waiting, ...this.#running.keys(), ...this.#timers.keys()]).size;
  }

  /** Starts nothing more and resolves when what runs has ended. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#waiting.clear();
    this.#again.clear();
    for (const key of [...this.#timers.keys()]) this.#cancelTimer(key);
    await Promise.all(this.#running.values());
  }

  /** Not within the caller's own step: that is an informer's handler, or the end of another key. */
  #dispatch(): void {
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    queueMicrotask(() => {
      this.#isDispatching = false;
      for (const key of this.#waiting) {
        if (this.#running.size >= this.#options.concurrency) return;
        this.#waiting.delete(key);
        this.#running.set(key, this.#run(key));
      }
    });
  }

  async #run(key: string): Promise<void> {
    const delayMs = await this.#attempt(key);
    this.#running.delete(key);
    if (this.#again.delete(key)) this.#waiting.add(key);
    else if (delayMs !== undefined) this.addAfter(key, delayMs);
    if (!this.#isDraining) this.#dispatch();
  }

  async #attempt(key: string): Promise<number | undefined> {
    try {
      const delayMs = await this.#options.process(key);
      this.#failures.delete(key);
      return delayMs;
    } catch (error) {
      const failures = this.#failures.get(key) ?? 0;
      this.#failures.set(key, failures + 1);
      const retryMs = backoffMs(this.#options.errorBackoff ?? ERROR_BACKOFF, failures);
      this.#options.onError(key, error, retryMs);
      return retryMs;
    }
  }

  #cancelTimer(key: string): void {
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
  }
}
