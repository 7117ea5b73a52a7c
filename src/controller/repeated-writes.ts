/**
 * Slows down operators that contradict each other. Two that differ (another version, other plugins) would otherwise correct
 * each other as fast as the API server allows, for each hears of what the other has written.
 *
 * Who says something new says it at once. Who is about to say once more what it has said last, because somebody has written
 * something else meanwhile, waits first: 1 s, then twice as long each time, up to 60 s. So one operator writes the same
 * at most six times within the first minute, and once a minute from then on.
 */
import { createHash } from 'node:crypto';
import { backoffMs, type Backoff } from './backoff.ts';
import type { Clock } from './clock.ts';

const REPEAT: Backoff = { baseMs: 1_000, maxMs: 60_000 };
/** Of what was said longer ago nothing is known any more: it bounds the memory, and ends the waits of the past. */
const FORGET_MS = 2 * REPEAT.maxMs;

interface Written {
  readonly digest: string;
  readonly atMs: number;
  /** How often it had been written before. */
  readonly repeats: number;
}

export class RepeatedWrites {
  readonly #clock: Clock;
  /** What was written last, by object, oldest first. */
  readonly #last = new Map<string, Written>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * To be asked at each look at the object, with all that is to be said and about which facts, as JSON. Undefined: it may be
   * written now.
   */
  waitMs(object: string, content: unknown): number | undefined {
    this.#forgetOld();
    const last = this.#last.get(object);
    if (!last) return undefined;
    if (last.digest !== digestOf(content)) {
      this.#last.delete(object);
      return undefined;
    }
    const waitMs = last.atMs + backoffMs(REPEAT, last.repeats) - this.#clock.nowMs();
    return waitMs > 0 ? waitMs : undefined;
  }

  written(object: string, content: unknown): void {
    const digest = digestOf(content);
    const last = this.#last.get(object);
    const repeats = last?.digest === digest ? last.repeats + 1 : 0;
    this.#last.delete(object);
    this.#last.set(object, { digest, atMs: this.#clock.nowMs(), repeats });
  }

  #forgetOld(): void {
    for (const [object, { atMs }] of this.#last) {
      if (this.#clock.nowMs() - atMs < FORGET_MS) return;
      this.#last.delete(object);
    }
  }
}

function digestOf(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('base64').slice(0, 22);
}
