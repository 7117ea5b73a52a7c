/** The tables and the verdicts of the scale benchmark, from what was measured. */
import type { Budget } from '../report/budget.ts';
import { renderTable } from '../report/render-table.ts';
import { sumOf, withoutWatches, type RequestCounts } from './api-requests.ts';
import type { PhaseCost } from './measure-phase.ts';
import type { TimeCost } from './operation-histories.ts';
import type { ScaleMeasurements, ScaleOptions } from './scale-measurements.ts';

const MEBIBYTE = 2 ** 20;
/** Of one online with nobody to ask: 45 where its locks are free, 57 where it waits for the one before it, as most do here. */
const EVENTS_MAX = 58;
/** 13 where nobody waits, twice as many where somebody does; and a share of the lock workflow's start. */
const LOCK_EVENTS_MAX = 28;
/**
 * Of the block: first observation, turn, begin, wait, second look, commit, outcome. Of the node: its blocks, its locks. Three
 * events. As much again for conflicts and for what changes meanwhile.
 */
const WRITES_MAX = 15;

export function renderScale(measurements: ScaleMeasurements, options: ScaleOptions): string {
  const { fleet, histories, idle, restart, largeNode, largeNodeTime } = measurements;
  const blocks = options.nodes * options.blocksPerNode;
  const phases: readonly (readonly [string, PhaseCost, number])[] = [
    [`${String(options.nodes)} nodes x ${String(options.blocksPerNode)} blocks online`, fleet, blocks],
    ['idle', idle, 0],
    ['restart of the operator', restart, 0],
    [`${String(options.largeNode)} blocks of one node online`, largeNode, options.largeNode],
  ];
  return [
    renderPhases(phases),
    ...phases.map(([name, cost]) => `${name}: processes\n${renderProcesses(cost)}`),
    ...phases.map(
      ([name, { requests }, count]) => `${name}: requests to the API server\n${renderRequests(requests, count)}`,
    ),
    `history events of one operation: ${histories.eventsPerOperation.toFixed(1)}, and ${histories.lockEventsPerOperation.toFixed(1)} of its node's lock workflow (${String(histories.operations)} operations)`,
    `where the time of an operation goes (${String(largeNodeTime.sample)} operations of the one node, p50 ${largeNodeTime.operationP50Ms.toFixed(0)} ms)\n${renderTime(largeNodeTime)}`,
  ].join('\n\n');
}

function renderPhases(phases: readonly (readonly [string, PhaseCost, number])[]): string {
  const header = ['phase', 'seconds', 'operations', 'operations / s', 'requests', 'without watches'];
  const rows = phases.map(([name, { seconds, requests }, count]) => [
    name,
    seconds,
    count === 0 ? undefined : count,
    count === 0 ? undefined : count / seconds,
    sumOf(requests),
    sumOf(withoutWatches(requests)),
  ]);
  return renderTable(header, rows);
}

function renderProcesses({ seconds, processes }: PhaseCost): string {
  const rows = processes.map(({ name, cpuSeconds, residentBytes, peakResidentBytes }) => [
    `  ${name}`,
    cpuSeconds,
    (100 * cpuSeconds) / seconds,
    residentBytes / MEBIBYTE,
    peakResidentBytes / MEBIBYTE,
  ]);
  return renderTable(['  process', 'cpu s', 'cpu %', 'MiB at the end', 'MiB peak'], rows);
}

function renderRequests(requests: RequestCounts, operations: number): string {
  const rows = Object.entries(requests)
    .sort(([, one], [, other]) => other - one)
    .map(([what, count]) => [`  ${what}`, count, operations === 0 ? undefined : count / operations]);
  return rows.length === 0 ? '  none' : renderTable(['  request', 'count', 'per operation'], rows);
}

function renderTime({ shares }: TimeCost): string {
  const total = shares.reduce((sum, { ms }) => sum + ms, 0);
  const rows = [...shares]
    .sort((one, other) => other.ms - one.ms)
    .map(({ what, ms }) => [`  ${what}`, ms, (100 * ms) / total]);
  return renderTable(['  what', 'ms', '%'], rows);
}

export function scaleBudgets({ fleet, histories, idle }: ScaleMeasurements): readonly Budget[] {
  const { operations, eventsPerOperation, lockEventsPerOperation } = histories;
  const idleRequests = withoutWatches(idle.requests);
  const writes = writesOf(fleet.requests) / operations;
  return [
    {
      name: `an operation has at most ${String(EVENTS_MAX)} history events`,
      measured: eventsPerOperation.toFixed(1),
      isMet: eventsPerOperation <= EVENTS_MAX,
    },
    {
      name: `it costs at most ${String(LOCK_EVENTS_MAX)} events of its node's lock workflow`,
      measured: lockEventsPerOperation.toFixed(1),
      isMet: lockEventsPerOperation <= LOCK_EVENTS_MAX,
    },
    {
      name: `it costs at most ${String(WRITES_MAX)} writes to the API server, events included`,
      measured: writes.toFixed(1),
      isMet: writes <= WRITES_MAX,
    },
    {
      name: 'who is idle asks the API server for nothing but watches',
      measured: sumOf(idleRequests) === 0 ? 'nothing' : JSON.stringify(idleRequests),
      isMet: sumOf(idleRequests) === 0,
    },
  ];
}

/** Without those of this program, which only creates objects. */
function writesOf(requests: RequestCounts): number {
  const writes = Object.entries(requests).filter(([what]) => /^(APPLY|PATCH|PUT|POST events)/.test(what));
  return writes.reduce((sum, [, count]) => sum + count, 0);
}
