import assert from 'node:assert/strict';
import type { LocksResult } from '../../bench/locks/locks-benchmark.ts';
import { runBenchmark } from './run-benchmark.ts';

/** Uncontended history events of one cycle: requester, lock workflows. Milliseconds are the machine's affair. */
const EVENTS = {
  ours: [7, 9],
  'ours, by signal': [11, 13],
  'mutex workflows': [50, 45],
  'child workflow ids': [47, 27],
  'no lock': [5, 0],
} as const;

describe('npm run bench -- locks', function () {
  this.timeout(120_000);
  let printed: string;
  let report: LocksResult;

  before(async () => {
    const counts = [
      '--event-cycles',
      '1',
      '--rounds',
      '1',
      '--per-round',
      '1',
      '--contenders',
      '3',
      '--crowd-rounds',
      '1',
    ];
    const result = await runBenchmark('locks', ...counts);
    printed = result.printed;
    report = result.report as LocksResult;
  });

  for (const [name, [requester, locks]] of Object.entries(EVENTS)) {
    it(`${name}: ${String(requester)} events of the requester, ${String(locks)} of the locks`, () => {
      const history = report.measurements.find((measurement) => measurement.name === name)?.history;
      assert.deepEqual([history?.requesterEvents, history?.lockEvents], [requester, locks]);
    });
  }

  it('measures every variant uncontended and contended, and none fails', () => {
    const names = report.measurements.map(({ name }) => name);
    assert.deepEqual(names, [...Object.keys(EVENTS), 'etcd']);
    for (const { name, uncontendedMs, crowds } of report.measurements) {
      assert.equal(uncontendedMs.length, 1, name);
      assert.ok(
        uncontendedMs.every((ms) => ms > 0),
        name,
      );
      assert.deepEqual(
        crowds.map(({ errors, waitsMs }) => [errors, waitsMs.length]),
        [[[], 3]],
        name,
      );
    }
  });

  it('says of each budget whether it is met', () => {
    assert.equal(report.budgets.length, 10);
    for (const { name, measured, isMet } of report.budgets) {
      assert.ok(printed.includes(`${isMet ? 'met    ' : 'NOT MET'}  ${name}: ${measured}`), name);
    }
    const tokens = report.budgets.find(({ name }) => name === 'no token is granted twice');
    assert.equal(tokens?.measured, '9 different ones of 9');
  });
});
