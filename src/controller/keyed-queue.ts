/**
 * Work by key: a key that is added many times is processed once, never twice at a time, and again if it was added
 * meanwhile. In memory only; what must survive a restart is in the objects' status.
 */
import { backoffMs, type Backoff } from './backoff.ts';
import { systemClock, type Clock } from './clock.ts';
import type { QueueMetrics, QueueResult, QueueState } from './controller-metrics.ts';

/** An error here is a bug or a server that cannot be reached: quick at first, then seldom. */
const ERROR_BACKOFF: Backoff = { baseMs: 200, maxMs: 60_000 };

export interface KeyedQueueOptions {
  /** Resolves with the time after which to process the key again, if nothing happens before; rejects to back off. */
  readonly process: (key: string) => Promise<number | undefined>;
  readonly concurrency: number;
  readonly onError: (key: string, error: unknown, retryMs: number) => void;
  readonly errorBackoff?: Backoff;
  readonly clock?: Clock;
  /** Told of everything that happens here; unset: nobody measures. */
  readonly metrics?: QueueMetrics;
}

export class KeyedQueue {
  readonly #options: KeyedQueueOptions;
  readonly #clock: Clock;
  /** Since when, by the clock. */
  readonly #waiting = new Map<string, number>();
  readonly #running = new Map<string, { readonly end: Promise<void>; readonly sinceMs: number }>();
  /** Added while being processed, and when. */
  readonly #again = new Map<string, number>();
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
    const added = this.#running.has(key) ? this.#again : this.#waiting;
    if (!added.has(key)) {
      added.set(key, this.#clock.nowMs());
      this.#options.metrics?.added();
    }
    this.#dispatch();
  }

  /** Adds `key` after `delayMs`; of several times the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    const dueMs = this.#clock.nowMs() + delayMs;
    const pending = this.#timers.get(key);
    if (this.#isDraining || (pending && pending.dueMs <= dueMs)) return;
    pending?.cancel();
    this.#options.metrics?.retried();
    const cancel = this.#clock.after(delayMs, () => {
      this.add(key);
    });
    this.#timers.set(key, { dueMs, cancel });
  }

  /** Keys that wait, run, or are due later. */
  get size(): number {
    return new Set([...this.#waiting.keys(), ...this.#running.keys(), ...this.#timers.keys()]).size;
  }

  get state(): QueueState {
    const nowMs = this.#clock.nowMs();
    return {
      depth: this.#waiting.size + this.#again.size,
      runningMs: [...this.#running.values()].map(({ sinceMs }) => nowMs - sinceMs),
    };
  }

  /** Starts nothing more and resolves when what runs has ended. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#waiting.clear();
    this.#again.clear();
    for (const key of [...this.#timers.keys()]) this.#cancelTimer(key);
    await Promise.all([...this.#running.values()].map(({ end }) => end));
  }

  /** Not within the caller's own step: that is an informer's handler, or the end of another key. */
  #dispatch(): void {
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    queueMicrotask(() => {
      this.#isDispatching = false;
      for (const [key, addedMs] of this.#waiting) {
        if (this.#running.size >= this.#options.concurrency) return;
        this.#waiting.delete(key);
        const sinceMs = this.#clock.nowMs();
        this.#options.metrics?.started(sinceMs - addedMs);
        this.#running.set(key, { end: this.#run(key, sinceMs), sinceMs });
      }
    });
  }

  async #run(key: string, startMs: number): Promise<void> {
    const delayMs = await this.#attempt(key, startMs);
    this.#running.delete(key);
    const addedMs = this.#again.get(key);
    this.#again.delete(key);
    if (addedMs !== undefined) this.#waiting.set(key, addedMs);
    else if (delayMs !== undefined) this.addAfter(key, delayMs);
    if (!this.#isDraining) this.#dispatch();
  }

  async #attempt(key: string, startMs: number): Promise<number | undefined> {
    const ended = (result: QueueResult): void => {
      this.#options.metrics?.ended(result, this.#clock.nowMs() - startMs);
    };
    try {
      const delayMs = await this.#options.process(key);
      ended(delayMs === undefined ? 'success' : 'requeue_after');
      this.#failures.delete(key);
      return delayMs;
    } catch (error) {
      ended('error');
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
