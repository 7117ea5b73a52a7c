/** Runs offlines with each of the chains in turn, and says what they cost in history and in time. */
import type { temporal } from '@temporalio/proto';
import { timeOf } from '../../src/temporal/lock-history-events.ts';
import { median } from '../report/percentile.ts';
import type { BenchmarkOperator } from './benchmark-operator.ts';
import { CHAINS, registeredNotifiers, type Addresses, type Chain } from './chains.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/** Activity types that ask notifiers; `notify` is the one on a task queue. */
const ASKING: ReadonlySet<string> = new Set(['callPlugins', 'callWebhook', 'notify']);

export interface ChainMeasurement {
  readonly kind: Chain['kind'];
  readonly length: number;
  /** Of one offline, all of it. */
  readonly events: number;
  readonly activities: number;
  readonly tasks: number;
  /** One for each offline. */
  readonly elapsedMs: readonly number[];
  /** One for each offline: by the server's clock, from asking the first until the operation goes on. */
  readonly chainMs: readonly number[];
  /** Of each single call, as the operator's metric has it. */
  readonly callMs: readonly number[];
}

export interface MeasureOptions {
  readonly rounds: number;
  readonly onRound: (round: number) => void;
}

/** One round of each chain before the clock counts, then the rounds, each beginning with another chain. */
export async function measureChains(
  operator: BenchmarkOperator,
  addresses: Addresses,
  { rounds, onRound }: MeasureOptions,
): Promise<readonly ChainMeasurement[]> {
  const costs = CHAINS.map((chain) => ({ chain, runs: [] as RunCost[] }));
  for (let round = 0; round <= rounds; round++) {
    onRound(round);
    const first = round % costs.length;
    for (const { chain, runs } of [...costs.slice(first), ...costs.slice(0, first)]) {
      const { elapsedMs, events, calls } = await operator.offline(registeredNotifiers(chain, addresses));
      const callMs = calls.map(({ durationMs }) => durationMs);
      if (round > 0) runs.push({ elapsedMs, ...countsOf(events), chainMs: chainMsOf(events), callMs });
    }
  }
  return costs.map(({ chain, runs }) => ({
    kind: chain.kind,
    length: chain.transports.length,
    events: median(runs.map(({ events }) => events)),
    activities: median(runs.map(({ activities }) => activities)),
    tasks: median(runs.map(({ tasks }) => tasks)),
    elapsedMs: runs.map(({ elapsedMs }) => elapsedMs),
    chainMs: runs.map(({ chainMs }) => chainMs),
    callMs: runs.flatMap(({ callMs }) => callMs),
  }));
}

interface HistoryCounts {
  readonly events: number;
  readonly activities: number;
  readonly tasks: number;
}

interface RunCost extends HistoryCounts {
  readonly elapsedMs: number;
  readonly chainMs: number;
  readonly callMs: readonly number[];
}

/** From the first activity that asks until the step after the chain is begun; 0 where nobody is asked. */
function chainMsOf(events: readonly HistoryEvent[]): number {
  const activities = events.filter((event) => event.activityTaskScheduledEventAttributes);
  const asks = (event: HistoryEvent): boolean =>
    ASKING.has(event.activityTaskScheduledEventAttributes?.activityType?.name ?? '');
  const first = activities.find(asks);
  const next = activities[activities.findLastIndex(asks) + 1];
  return first && next ? timeOf(next) - timeOf(first) : 0;
}

function countsOf(events: readonly HistoryEvent[]): HistoryCounts {
  return {
    events: events.length,
    activities: events.filter((event) => event.activityTaskScheduledEventAttributes).length,
    tasks: events.filter((event) => event.workflowTaskCompletedEventAttributes).length,
  };
}
