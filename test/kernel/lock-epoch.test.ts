import assert from 'node:assert/strict';
import fc from 'fast-check';
import { claimEpoch, type LockServiceRecord } from '../../src/kernel/lock-epoch.ts';
import { epochOf, tokenOf } from '../../src/kernel/token.ts';

describe('epoch of the lock service', () => {
  it('begins at 1', () => {
    assert.deepEqual(claimEpoch(undefined, { runId: 'a' }), { epoch: 1, runId: 'a' });
  });

  it('stays when the recorded run claims again, or continues as new', () => {
    const recorded = { epoch: 4, runId: 'a' };
    assert.deepEqual(claimEpoch(recorded, { runId: 'a' }), recorded);
    assert.deepEqual(claimEpoch(recorded, { runId: 'b', previousRunId: 'a', epoch: 4 }), { epoch: 4, runId: 'b' });
  });

  it('grows when the entity is created anew, when it was reset, and when the record is lost', () => {
    const recorded = { epoch: 4, runId: 'a' };
    assert.equal(claimEpoch(recorded, { runId: 'new' }).epoch, 5);
    assert.equal(claimEpoch(recorded, { runId: 'reset', previousRunId: 'before-a', epoch: 3 }).epoch, 5);
    assert.equal(claimEpoch(undefined, { runId: 'b', previousRunId: 'a', epoch: 4 }).epoch, 5);
  });

  it('never hands one epoch to two runs that do not continue each other, whatever claims in whatever order', () => {
    const claim = fc.record({ runId: fc.constantFrom('a', 'b', 'c', 'd') });
    fc.assert(
      fc.property(fc.array(claim, { maxLength: 12 }), (claims) => {
        let recorded: LockServiceRecord | undefined;
        const owners = new Map<number, string>();
        for (const one of claims) {
          recorded = claimEpoch(recorded, one);
          const owner = owners.get(recorded.epoch);
          assert.ok(owner === undefined || owner === one.runId);
          owners.set(recorded.epoch, one.runId);
        }
      }),
    );
  });
});

describe('fencing tokens', () => {
  it('order by epoch, then by sequence, and stay exact integers', () => {
    const part = fc.tuple(fc.integer({ min: 1, max: 2 ** 21 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }));
    fc.assert(
      fc.property(part, part, ([e1, s1], [e2, s2]) => {
        const [a, b] = [tokenOf(e1, s1), tokenOf(e2, s2)];
        assert.ok(Number.isSafeInteger(a));
        assert.equal(epochOf(a), e1);
        assert.equal(a < b, e1 < e2 || (e1 === e2 && s1 < s2));
      }),
    );
  });

  it('refuse numbers that do not fit', () => {
    for (const [epoch, sequence] of [
      [0, 1],
      [1, -1],
      [1, 2 ** 31],
      [2 ** 21 + 1, 0],
    ] as const) {
      assert.throws(() => tokenOf(epoch, sequence), RangeError);
    }
  });
});
