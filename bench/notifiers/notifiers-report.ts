/** The table and the verdicts of the notifiers benchmark, from what was measured. */
import { DEFAULT_TIMINGS } from '../../src/contract/operations.ts';
import type { Budget } from '../report/budget.ts';
import { median, percentile } from '../report/percentile.ts';
import { renderTable } from '../report/render-table.ts';
import { KINDS, LENGTHS, type Chain } from './chains.ts';
import type { ChainMeasurement } from './measure-chains.ts';

const HEADER = [
  'chain',
  'calls',
  'events',
  'activities',
  'tasks',
  'offline p50 ms',
  'chain p50 ms',
  'chain p95 ms',
  'events / call',
  'p50 ms / call',
  'p95 ms / call',
  'plugin p50 ms',
];

/** An activity: scheduled, started, completed; and the workflow task that reads its result. */
const EVENTS_PER_ACTIVITY = 6;
/** An offline waits for other things as well, and other operations of the node wait for it. */
const SHARE_OF_DEADLINE = 10;

/** Beyond what an operation without notifiers costs. */
interface AddedCost {
  readonly calls: number;
  readonly events: number;
  readonly activities: number;
  readonly tasks: number;
}

export function renderNotifiers(measurements: readonly ChainMeasurement[]): string {
  const none = find(measurements, 'none', 0);
  const rows = measurements.map((measurement) => {
    const { calls, events, activities, tasks } = addedBy(measurement, none);
    const chain = [50, 95].map((p) => percentile(measurement.chainMs, p));
    const [name, offlineMs, pluginMs] = [measurement.kind, median(measurement.elapsedMs), median(measurement.callMs)];
    const perCall = [events, ...chain].map((cost) => cost / calls);
    return [name, calls, events, activities, tasks, offlineMs, ...chain, ...perCall, pluginMs];
  });
  const { events, activities, tasks } = none;
  const base = `${String(events)} events, ${String(activities)} activities, ${String(tasks)} workflow tasks`;
  return `${renderTable(HEADER, rows)}\n\nAn offline without notifiers has ${base}; the table has what comes on top.`;
}

export function notifiersBudgets(measurements: readonly ChainMeasurement[]): readonly Budget[] {
  const none = find(measurements, 'none', 0);
  const added = (kind: Chain['kind'], calls: number): AddedCost => addedBy(find(measurements, kind, calls), none);
  const each = (kind: Chain['kind']): readonly AddedCost[] => LENGTHS.map((calls) => added(kind, calls));
  const mixed = LENGTHS.filter((calls) => calls > 2).map((calls) => added('mixed', calls));
  return [
    activityBudget('in-process plugins next to each other cost one activity', each('in-process'), () => 1),
    activityBudget('two runs of them and a webhook between cost three activities', mixed, () => 3),
    eventsBudget('in-process', each('in-process'), () => EVENTS_PER_ACTIVITY),
    eventsBudget('webhook', each('webhook'), (calls) => calls * EVENTS_PER_ACTIVITY),
    eventsBudget('task queue', each('task queue'), (calls) => calls * EVENTS_PER_ACTIVITY),
    ...KINDS.map((kind) => timeBudget(find(measurements, kind, Math.max(...LENGTHS)))),
  ];
}

function activityBudget(name: string, costs: readonly AddedCost[], limit: (calls: number) => number): Budget {
  const measured = costs.map(({ calls, activities }) => `${String(activities)} of ${String(calls)} calls`).join(', ');
  return { name, measured, isMet: costs.every(({ calls, activities }) => activities === limit(calls)) };
}

function eventsBudget(kind: string, costs: readonly AddedCost[], limit: (calls: number) => number): Budget {
  return {
    name: `${kind}: at most ${costs.map(({ calls }) => String(limit(calls))).join(', ')} events in chains of ${costs.map(({ calls }) => String(calls)).join(', ')}`,
    measured: costs.map(({ events }) => String(events)).join(', '),
    isMet: costs.every(({ calls, events }) => events <= limit(calls)),
  };
}

function timeBudget({ kind, length, chainMs }: ChainMeasurement): Budget {
  const limitMs = DEFAULT_TIMINGS.chainMs / SHARE_OF_DEADLINE;
  const p95 = percentile(chainMs, 95);
  return {
    name: `${kind}: a chain of ${String(length)} takes at most a tenth of its deadline, ${String(limitMs)} ms (p95)`,
    measured: `${p95.toFixed(0)} ms`,
    isMet: p95 <= limitMs,
  };
}

function addedBy({ length, ...counts }: ChainMeasurement, none: ChainMeasurement): AddedCost {
  return {
    calls: length,
    events: counts.events - none.events,
    activities: counts.activities - none.activities,
    tasks: counts.tasks - none.tasks,
  };
}

function find(measurements: readonly ChainMeasurement[], kind: Chain['kind'], length: number): ChainMeasurement {
  const found = measurements.find((measurement) => measurement.kind === kind && measurement.length === length);
  if (!found) throw new Error(`${kind} of ${String(length)} was not measured`);
  return found;
}
