/** The table and the verdicts of the readers benchmark, from what was measured. */
import type { Budget } from '../report/budget.ts';
import { median } from '../report/percentile.ts';
import { renderTable } from '../report/render-table.ts';
import type { ReaderResult } from './reader-task.ts';

export interface ReadersMeasurement {
  readonly name:
    | 'ours, in process'
    | 'ours, only reader'
    | 'ours, across processes'
    | 'etcd, in process'
    | 'etcd, many at once'
    | 'etcd, across processes';
  readonly processes: number;
  /** Of each round, one result per process. */
  readonly rounds: readonly (readonly ReaderResult[])[];
}

const HEADER = ['variant', 'processes', 'pairs/s', 'µs per pair', 'x etcd', 'sockets opened', 'sockets held'];

export function renderReaders(measurements: readonly ReadersMeasurement[]): string {
  const rows = measurements.map((measurement) => {
    const { name, processes } = measurement;
    const perSecond = pairsPerSecond(measurement);
    const rival = find(measurements, processes > 1 ? 'etcd, across processes' : 'etcd, in process');
    return [
      name,
      processes,
      perSecond,
      (1e6 * processes) / perSecond,
      perSecond / pairsPerSecond(rival),
      most(measurement, 'socketsOpened'),
      most(measurement, 'socketsHeld'),
    ];
  });
  return renderTable(HEADER, rows);
}

const IN_PROCESS_RATIO = 1_000;
const ACROSS_RATIO = 100;

export function readersBudgets(measurements: readonly ReadersMeasurement[]): readonly Budget[] {
  const ours = measurements.filter(({ name }) => name.startsWith('ours'));
  const sockets = ours.flatMap((one) => [most(one, 'socketsOpened'), most(one, 'socketsHeld')]);
  return [
    atLeast(IN_PROCESS_RATIO, find(measurements, 'ours, in process'), find(measurements, 'etcd, in process')),
    atLeast(ACROSS_RATIO, find(measurements, 'ours, across processes'), find(measurements, 'etcd, across processes')),
    {
      name: 'ours calls no server',
      measured: `at most ${String(Math.max(...sockets))} sockets in a process`,
      isMet: sockets.length > 0 && sockets.every((count) => count === 0),
    },
  ];
}

function atLeast(ratio: number, ours: ReadersMeasurement, rival: ReadersMeasurement): Budget {
  const measured = pairsPerSecond(ours) / pairsPerSecond(rival);
  return {
    name: `${ours.name}: at least ${String(ratio)} times the pairs a second of ${rival.name}`,
    measured: `${measured.toFixed(0)} times`,
    isMet: measured >= ratio,
  };
}

/** Median of the rounds; of all processes together. */
function pairsPerSecond({ rounds }: ReadersMeasurement): number {
  return median(
    rounds.map((results) => results.reduce((sum, { pairs, elapsedMs }) => sum + (1_000 * pairs) / elapsedMs, 0)),
  );
}

function most({ rounds }: ReadersMeasurement, key: 'socketsOpened' | 'socketsHeld'): number {
  return Math.max(...rounds.flat().map((result) => result[key]));
}

function find(measurements: readonly ReadersMeasurement[], name: ReadersMeasurement['name']): ReadersMeasurement {
  const found = measurements.find((measurement) => measurement.name === name);
  if (!found) throw new Error(`${name} was not measured`);
  return found;
}
