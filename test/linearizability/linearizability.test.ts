/** A sample of `npm run test:linearizability`, which hits with each fault ten times as often. */
import assert from 'node:assert/strict';
import { acquireTools } from '../../src/dev/acquire-tool.ts';
import { FAULT_KINDS } from './faults.ts';
import { describeRun, shortcomingsOf } from './report.ts';
import { runLinearizability } from './run-linearizability.ts';

const SECONDS = 60;
/** Of each kind, while a lock is held: what fits into the time on a small, busy machine. */
const FAULTS = 2;

describe('the lock service under load and faults', function () {
  this.timeout(3 * SECONDS * 1_000);
  before(() => acquireTools(['temporal', 'lock-checker']));

  it('is linearizable: a readers-writer lock with fencing, first to last', async () => {
    const seed = Number(process.env['MEMHP_SEED'] ?? Date.now() % 1_000_000);
    const result = await runLinearizability({
      seconds: SECONDS,
      kinds: FAULT_KINDS,
      faults: FAULTS,
      seed,
      name: 'sample',
      log: () => undefined,
    });
    console.log(`seed ${String(seed)}\n${describeRun(result)}`);
    assert.deepEqual(shortcomingsOf(result, FAULTS), []);
  });
});
