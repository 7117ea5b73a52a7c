/**
 * Times of all contestants, taken in turns: drift of the machine hits each of them, and who starts changes from round
 * to round.
 */
import type { Contestant } from './contestant.ts';

export interface CrowdTimes {
  /** From the start until all were done. */
  readonly totalMs: number;
  /** Of each that got its locks. */
  readonly waitsMs: readonly number[];
  readonly errors: readonly string[];
  readonly tokens: readonly number[];
}

type ByName<T> = Readonly<Record<string, readonly T[]>>;

/** One after the other, uncontended: milliseconds from asking until everything was given back, of each. */
export async function measureUncontended(
  contestants: readonly Contestant[],
  options: { readonly rounds: number; readonly perRound: number; readonly onRound: (round: number) => void },
): Promise<ByName<number>> {
  const times: Record<string, number[]> = {};
  await inTurns(contestants, options.rounds, options.onRound, async (contestant) => {
    const own = (times[contestant.name] ??= []);
    for (let i = 0; i < options.perRound; i++) {
      const startedMs = performance.now();
      await contestant.take('uncontended');
      own.push(performance.now() - startedMs);
    }
  });
  return times;
}

/** All at once for the same locks. */
export async function measureCrowds(
  contestants: readonly Contestant[],
  options: { readonly rounds: number; readonly contenders: number; readonly onRound: (round: number) => void },
): Promise<ByName<CrowdTimes>> {
  const times: Record<string, CrowdTimes[]> = {};
  await inTurns(contestants, options.rounds, options.onRound, async (contestant) => {
    const contenders = await contestant.crowd('contended', options.contenders);
    const startedMs = performance.now();
    const results = await Promise.allSettled(contenders.map((take) => take()));
    const totalMs = performance.now() - startedMs;
    const taken = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    (times[contestant.name] ??= []).push({
      totalMs,
      waitsMs: taken.map((one) => one.waitMs),
      errors: results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : [])),
      tokens: taken.flatMap((one) => one.tokens),
    });
  });
  return times;
}

async function inTurns(
  contestants: readonly Contestant[],
  rounds: number,
  onRound: (round: number) => void,
  measure: (contestant: Contestant) => Promise<void>,
): Promise<void> {
  for (const contestant of contestants) await contestant.take('warm-up');
  for (let round = 0; round < rounds; round++) {
    onRound(round + 1);
    const first = round % contestants.length;
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) await measure(contestant);
  }
}
