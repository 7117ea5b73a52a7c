import assert from 'node:assert/strict';
import type { NotifiersResult } from '../../bench/notifiers/notifiers-benchmark.ts';
import { runBenchmark } from './run-benchmark.ts';

/** What a chain adds to an offline: history events, activities. Milliseconds are the machine's affair. */
const ADDED: Readonly<Record<string, readonly [events: number, activities: number]>> = {
  'none 0': [0, 0],
  'in-process 1': [6, 1],
  'in-process 5': [6, 1],
  'in-process 20': [6, 1],
  'webhook 1': [6, 1],
  'webhook 5': [30, 5],
  'webhook 20': [120, 20],
  'task queue 1': [6, 1],
  'task queue 5': [30, 5],
  'task queue 20': [120, 20],
  'mixed 5': [18, 3],
  'mixed 20': [18, 3],
};

describe('npm run bench -- notifiers', function () {
  this.timeout(120_000);
  let printed: string;
  let report: NotifiersResult;

  before(async () => {
    const result = await runBenchmark('notifiers', '--rounds', '1');
    printed = result.printed;
    report = result.report as NotifiersResult;
  });

  it('measures every chain, each call of it', () => {
    const measured = report.measurements.map(({ kind, length }) => `${kind} ${String(length)}`);
    assert.deepEqual(measured, Object.keys(ADDED));
    for (const { kind, length, elapsedMs, chainMs, callMs } of report.measurements) {
      const what = `${kind} ${String(length)}`;
      assert.deepEqual([elapsedMs.length, chainMs.length, callMs.length], [1, 1, length], what);
      assert.ok((chainMs[0] ?? NaN) > 0 === length > 0 && (elapsedMs[0] ?? NaN) > (chainMs[0] ?? NaN), what);
    }
  });

  it('finds one activity for each run of adjacent in-process plugins, and one for each other call', () => {
    const [none] = report.measurements;
    const added = report.measurements.map(({ kind, length, events, activities }) => [
      `${kind} ${String(length)}`,
      [events - (none?.events ?? NaN), activities - (none?.activities ?? NaN)],
    ]);
    assert.deepEqual(Object.fromEntries(added), ADDED);
  });

  it('says of each budget whether it is met', () => {
    assert.equal(report.budgets.length, 8);
    for (const { name, measured, isMet } of report.budgets) {
      assert.ok(printed.includes(`${isMet ? 'met    ' : 'NOT MET'}  ${name}: ${measured}`), name);
    }
    const [together] = report.budgets;
    assert.equal(together?.measured, '1 of 1 calls, 1 of 5 calls, 1 of 20 calls');
  });
});
