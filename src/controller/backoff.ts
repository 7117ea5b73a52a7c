/** How long to wait before the next try. */

export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** `baseMs` doubled `failures` times, at most `maxMs`; `failures` counts from 0. */
export function backoffMs({ baseMs, maxMs }: Backoff, failures: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(failures, 30));
}

/** The upper half of the backoff, so that many clients of one restarted server do not return as one. */
export function jitteredBackoffMs(backoff: Backoff, failures: number, random: () => number): number {
  return backoffMs(backoff, failures) * (0.5 + random() / 2);
}
