import assert from 'node:assert/strict';
import type { ReadersBenchmarkResult } from '../../bench/readers/readers-benchmark.ts';
import { runBenchmark } from './run-benchmark.ts';

describe('npm run bench -- readers', function () {
  this.timeout(120_000);
  let printed: string;
  let report: ReadersBenchmarkResult;

  before(async () => {
    const result = await runBenchmark('readers', '--rounds', '1', '--milliseconds', '50', '--processes', '2');
    printed = result.printed;
    report = result.report as ReadersBenchmarkResult;
  });

  it('counts pairs of every variant, in as many processes as asked for', () => {
    const counted = report.measurements.map(({ name, rounds }) => [name, rounds.map((results) => results.length)]);
    assert.deepEqual(counted, [
      ['ours, in process', [1]],
      ['ours, only reader', [1]],
      ['ours, across processes', [2]],
      ['etcd, in process', [1]],
      ['etcd, many at once', [1]],
      ['etcd, across processes', [2]],
    ]);
    for (const { name, rounds } of report.measurements) {
      assert.ok(
        rounds.flat().every(({ pairs }) => pairs > 0),
        name,
      );
    }
  });

  it('finds no socket in our readers, and the one of etcd in the others', () => {
    for (const { name, rounds } of report.measurements) {
      const sockets = name.startsWith('ours') ? 0 : 1;
      for (const result of rounds.flat()) {
        assert.deepEqual([result.socketsOpened, result.socketsHeld], [sockets, sockets], name);
      }
    }
  });

  it('says of each budget whether it is met', () => {
    assert.equal(report.budgets.length, 3);
    for (const { name, measured, isMet } of report.budgets) {
      assert.ok(printed.includes(`${isMet ? 'met    ' : 'NOT MET'}  ${name}: ${measured}`), name);
    }
    assert.ok(report.budgets.find(({ name }) => name === 'ours calls no server')?.isMet);
  });
});
