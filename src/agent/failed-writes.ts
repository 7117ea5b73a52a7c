/** Which objects could not be written. Each is tried again after a backoff of its own, so that none waits for another. */
import { jitteredBackoffMs } from '../controller/backoff.ts';
import { pause, type Clock } from '../controller/clock.ts';

export interface FailedWritesOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Ends every wait; nothing is tried again then. */
  readonly signal: AbortSignal;
  readonly retry: (names: readonly string[]) => void;
}

interface Failure {
  readonly failures: number;
  readonly isWaiting: boolean;
}

const BACKOFF = { baseMs: 200, maxMs: 30_000 };

export class FailedWrites {
  readonly #options: FailedWritesOptions;
  readonly #failures = new Map<string, Failure>();

  constructor(options: FailedWritesOptions) {
    this.#options = options;
  }

  /** Whether the last attempt failed. */
  has(name: string): boolean {
    return this.#failures.has(name);
  }

  /** Whether it is not to be tried before `retry` names it. */
  isWaiting(name: string): boolean {
    return this.#failures.get(name)?.isWaiting ?? false;
  }

  /** The attempts of one turn that failed: those that failed equally often are tried again together. */
  add(names: readonly string[]): void {
    const { clock, random, signal, retry } = this.#options;
    for (const [failures, group] of Map.groupBy(names, (name) => this.#failures.get(name)?.failures ?? 0)) {
      const failure = { failures: failures + 1, isWaiting: true };
      void pause(clock, Math.round(jitteredBackoffMs(BACKOFF, failures, random)), signal).then(() => {
        // Not those that were written meanwhile, or have failed once more.
        const due = group.filter((name) => this.#failures.get(name) === failure);
        for (const name of due) this.endWait(name);
        if (due.length > 0 && !signal.aborted) retry(due);
      });
      for (const name of group) this.#failures.set(name, failure);
    }
  }

  /** It may be tried now. */
  endWait(name: string): void {
    const failure = this.#failures.get(name);
    if (failure) this.#failures.set(name, { ...failure, isWaiting: false });
  }

  delete(name: string): void {
    this.#failures.delete(name);
  }
}
