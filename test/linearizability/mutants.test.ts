/** The check must be able to fail: lock services that are wrong in four ways, each caught. */
import assert from 'node:assert/strict';
import { acquireTools } from '../../src/dev/acquire-tool.ts';
import { MUTANTS, mutantBundle, type Mutant } from './mutants/mutant-bundle.ts';
import { runLinearizability, type RunOptions, type RunResult } from './run-linearizability.ts';

const SECONDS = 8;

/** What brings each mistake to light soon. */
const DIRECTED: Readonly<Partial<Record<Mutant, Partial<RunOptions>>>> = {
  'writer-beside-reader': { scripts: ['reader', 'device memory'] },
  'reused-token': { kinds: ['terminate the lock workflow'] },
};

function runMutant(mutant: Mutant): Promise<RunResult> {
  return runLinearizability({
    seconds: SECONDS,
    kinds: [],
    faults: 2,
    pauseMs: { least: 1_500, most: 2_500 },
    // Long enough that whoever is granted the lock meanwhile is seen to use it.
    holdMs: { least: 200, most: 800 },
    seed: 4,
    drainMs: 2_000, // some mutants forget a request, too
    bundle: () => mutantBundle(mutant),
    name: `mutant-${mutant}`,
    isFailureWanted: mutant !== 'none',
    log: () => undefined,
    ...DIRECTED[mutant],
  });
}

describe('a lock service that is wrong', function () {
  this.timeout(60_000);
  before(() => acquireTools(['temporal', 'lock-checker']));

  for (const mutant of MUTANTS) {
    it(`is caught: ${mutant}`, async () => {
      const { verdict, violations, grants } = await runMutant(mutant);
      assert.equal(verdict, 'not linearizable', `${String(grants)} grants were in order`);
      assert.notEqual(violations.length, 0);
    });
  }

  it('is not seen where there is none: the same machinery without a mutation', async () => {
    const { verdict, violations } = await runMutant('none');
    assert.equal(verdict, 'linearizable', violations.join('; '));
  });
});
