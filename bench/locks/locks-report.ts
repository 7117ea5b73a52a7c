/** The table and the verdicts of the locks benchmark, from what was measured. */
import type { Budget } from '../report/budget.ts';
import { median, percentile } from '../report/percentile.ts';
import { renderTable } from '../report/render-table.ts';
import type { HistoryCost } from './measure-events.ts';
import type { CrowdTimes } from './measure-times.ts';

export interface LocksMeasurement {
  readonly name: string;
  /** Unset: no workflow is involved. */
  readonly history?: HistoryCost;
  readonly uncontendedMs: readonly number[];
  readonly crowds: readonly CrowdTimes[];
}

const HEADER = [
  'variant',
  'requester events',
  'lock events',
  'requester tasks',
  'lock tasks',
  'p50 ms',
  'p95 ms',
  'x no lock',
  'crowd done ms',
  'wait p50 ms',
  'wait p95 ms',
  'errors',
];

export function renderLocks(measurements: readonly LocksMeasurement[]): string {
  const base = median(find(measurements, 'no lock').uncontendedMs);
  const rows = measurements.map(({ name, history, uncontendedMs, crowds }) => {
    const waits = name === 'no lock' ? [] : crowds.flatMap((crowd) => crowd.waitsMs);
    return [
      name,
      history?.requesterEvents,
      history?.lockEvents,
      history?.requesterTasks,
      history?.lockTasks,
      median(uncontendedMs),
      percentile(uncontendedMs, 95),
      median(uncontendedMs) / base,
      median(crowds.map((crowd) => crowd.totalMs)),
      percentile(waits, 50),
      percentile(waits, 95),
      crowds.flatMap((crowd) => crowd.errors).length,
    ];
  });
  return renderTable(HEADER, rows);
}

/** What our locks may cost. Events: of the requester beyond those of a workflow without locks, and of the lock workflow. */
interface CostLimits {
  readonly name: 'ours' | 'ours, by signal';
  readonly requesterEvents: number;
  readonly lockEvents: number;
  /** p50, as a multiple of that of a workflow without locks. */
  readonly timesNoLock: number;
  /** The limit on time is one to get to, not one to keep. */
  readonly isTimeAnAim?: boolean;
}

const BY_UPDATE_LIMITS: CostLimits = {
  name: 'ours',
  requesterEvents: 2,
  lockEvents: 9,
  timesNoLock: 3,
  isTimeAnAim: true,
};
const BY_SIGNAL_LIMITS: CostLimits = { name: 'ours, by signal', requesterEvents: 6, lockEvents: 13, timesNoLock: 5 };

export function locksBudgets(measurements: readonly LocksMeasurement[], contenders: number): readonly Budget[] {
  const ours = find(measurements, 'ours');
  const errors = ours.crowds.flatMap((crowd) => crowd.errors);
  const tokens = ours.crowds.flatMap((crowd) => crowd.tokens);
  return [
    ...costBudgets(measurements, BY_UPDATE_LIMITS),
    ...costBudgets(measurements, BY_SIGNAL_LIMITS),
    aheadOf(ours, find(measurements, 'mutex workflows')),
    aheadOf(ours, find(measurements, 'child workflow ids')),
    {
      name: `${String(contenders)} contenders without an error`,
      measured: errors.length === 0 ? 'no error' : `${String(errors.length)}, the first: ${errors[0] ?? ''}`,
      isMet: errors.length === 0 && ours.crowds.length > 0,
    },
    {
      name: 'no token is granted twice',
      measured: `${String(new Set(tokens).size)} different ones of ${String(tokens.length)}`,
      isMet: tokens.length > 0 && new Set(tokens).size === tokens.length,
    },
  ];
}

function costBudgets(measurements: readonly LocksMeasurement[], limits: CostLimits): readonly Budget[] {
  const { name, requesterEvents, lockEvents, timesNoLock, isTimeAnAim = false } = limits;
  const own = find(measurements, name);
  const noLock = find(measurements, 'no lock');
  const addedEvents = (own.history?.requesterEvents ?? NaN) - (noLock.history?.requesterEvents ?? NaN);
  const addedLockEvents = own.history?.lockEvents ?? NaN;
  const times = median(own.uncontendedMs) / median(noLock.uncontendedMs);
  const aim = isTimeAnAim ? ', an aim' : '';
  return [
    {
      name: `${name}: at most ${String(requesterEvents)} events more in the requester`,
      measured: String(addedEvents),
      isMet: addedEvents <= requesterEvents,
    },
    {
      name: `${name}: at most ${String(lockEvents)} events in the lock workflow`,
      measured: String(addedLockEvents),
      isMet: addedLockEvents <= lockEvents,
    },
    {
      name: `${name}: at most ${String(timesNoLock)} times as long as a workflow without locks (p50${aim})`,
      measured: `${times.toFixed(2)} times`,
      isMet: times <= timesNoLock,
    },
  ];
}

function aheadOf(ours: LocksMeasurement, other: LocksMeasurement): Budget {
  const alone = [ours, other].map(({ uncontendedMs }) => median(uncontendedMs)) as [number, number];
  const crowd = [ours, other].map(({ crowds }) => median(crowds.map(({ totalMs }) => totalMs))) as [number, number];
  return {
    name: `ours is ahead of ${other.name}`,
    measured: `uncontended ${versus(alone)}, contended ${versus(crowd)}`,
    isMet: alone[0] < alone[1] && crowd[0] < crowd[1],
  };
}

function versus([ours, theirs]: readonly [number, number]): string {
  return `${ours.toFixed(0)} to ${theirs.toFixed(0)} ms`;
}

function find(measurements: readonly LocksMeasurement[], name: string): LocksMeasurement {
  const found = measurements.find((measurement) => measurement.name === name);
  if (!found) throw new Error(`${name} was not measured`);
  return found;
}
