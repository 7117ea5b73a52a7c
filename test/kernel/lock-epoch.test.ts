import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  claimEpoch,
  disownedRecord,
  FLOOR_STEP_MAX,
  whyRefused,
  type LockServiceClaim,
  type LockServiceRecord,
} from '../../src/kernel/lock-epoch.ts';
import { EPOCH_MAX, epochOf, tokenOf } from '../../src/kernel/token.ts';

describe('epoch of the lock service', () => {
  it('begins at 1, with nothing to recover', () => {
    assert.deepEqual(claimEpoch(undefined, { runId: 'a' }, 0), { epoch: 1, runId: 'a' });
  });

  it('stays when the recorded run claims again, or continues as new', () => {
    const recorded = { epoch: 4, runId: 'a' };
    assert.deepEqual(claimEpoch(recorded, { runId: 'a' }, 4), recorded);
    assert.deepEqual(claimEpoch(recorded, { runId: 'b', previousRunId: 'a', epoch: 4 }, 4), { epoch: 4, runId: 'b' });
  });

  it('grows when the entity is created anew, and names whose grants are to be found out', () => {
    assert.deepEqual(claimEpoch({ epoch: 4, runId: 'a' }, { runId: 'new' }, 0), {
      epoch: 5,
      runId: 'new',
      recovers: ['a'],
    });
  });

  it('grows when a run was reset to before it claimed: what it carries lacks what was granted since', () => {
    const recorded = { epoch: 4, runId: 'a' };
    for (const epoch of [3, 4]) {
      assert.deepEqual(claimEpoch(recorded, { runId: 'reset', previousRunId: 'before-a', epoch }, 4), {
        epoch: 5,
        runId: 'reset',
        recovers: ['a'],
      });
    }
  });

  it('grows when the record is lost, or put back to an older one; whoever carries more recovers nothing', () => {
    const claim = { runId: 'b', previousRunId: 'a', epoch: 4 };
    assert.deepEqual(claimEpoch(undefined, claim, 4), { epoch: 5, runId: 'b' });
    assert.deepEqual(claimEpoch({ epoch: 2, runId: 'old', recovers: ['older'] }, claim, 4), { epoch: 5, runId: 'b' });
  });

  it('is higher than what the node has seen, also for the run that is recorded', () => {
    assert.equal(claimEpoch(undefined, { runId: 'a' }, 7).epoch, 8);
    assert.equal(claimEpoch({ epoch: 3, runId: 'x' }, { runId: 'a' }, 7).epoch, 8);
    assert.equal(claimEpoch({ epoch: 3, runId: 'a' }, { runId: 'a' }, 7).epoch, 8);
  });

  it('keeps the list of runs to be found out until somebody has done that', () => {
    const first = claimEpoch({ epoch: 1, runId: 'a' }, { runId: 'b' }, 0);
    assert.deepEqual(claimEpoch(first, { runId: 'b' }, 0), first, 'claimed again');
    assert.deepEqual(claimEpoch(first, { runId: 'c' }, 0), { epoch: 3, runId: 'c', recovers: ['a', 'b'] });
  });

  it('grows for a run that the node has disproved, and for whoever continues a record that was disowned', () => {
    const recorded = { epoch: 4, runId: 'a' };
    const settled = { epoch: 5, runId: 'a', isPredecessorLost: true };
    assert.deepEqual(claimEpoch(recorded, { runId: 'a', epoch: 4, isDisproved: true }, 4), settled);
    assert.equal(claimEpoch({ epoch: 9, runId: 'later' }, { runId: 'a', epoch: 4, isDisproved: true }, 9).epoch, 10);
    assert.deepEqual(disownedRecord(recorded, 4), settled);
    assert.equal(disownedRecord(recorded, 8).epoch, 9);
    for (const claim of [{ runId: 'a' }, { runId: 'b', previousRunId: 'a', epoch: 4 }, { runId: 'new' }]) {
      const next = claimEpoch(settled, claim, 4);
      assert.ok(next.epoch >= 5 && next.isPredecessorLost, 'what was granted in epoch 4 is settled');
    }
  });

  it('is refused where the node is said to be further ahead than can be, and at the end of all epochs', () => {
    const recorded = { epoch: 4, runId: 'a' };
    const claim = { runId: 'a' };
    for (const [known, claimed] of [
      [undefined, claim],
      [recorded, claim],
      [recorded, { runId: 'b', previousRunId: 'a', epoch: 7 }],
    ] as const) {
      const highest = Math.max(known?.epoch ?? 0, 'epoch' in claimed ? claimed.epoch : 0);
      assert.equal(whyRefused(known, claimed, highest + FLOOR_STEP_MAX), undefined);
      assert.match(
        whyRefused(known, claimed, highest + FLOOR_STEP_MAX + 1) ?? '',
        new RegExp(`seen epoch ${String(highest + FLOOR_STEP_MAX + 1)}, .* than ${String(highest)} is known`),
      );
      assert.match(whyRefused(known, claimed, EPOCH_MAX) ?? '', /is said to have seen/);
    }
    const last = { epoch: EPOCH_MAX, runId: 'a' };
    assert.equal(whyRefused(last, claim, EPOCH_MAX), undefined, 'the last one is an epoch, too');
    assert.equal(whyRefused(last, { runId: 'b' }, 0), 'the last epoch has been used');
    assert.deepEqual(disownedRecord(recorded, EPOCH_MAX), { epoch: 5, runId: 'a', isPredecessorLost: true });
  });

  it('whatever is not refused makes a token, and is at most one step above what was recorded', () => {
    const epoch = fc.integer({ min: 1, max: EPOCH_MAX });
    const near = fc.integer({ min: EPOCH_MAX - 3, max: EPOCH_MAX });
    const runId = fc.constantFrom('a', 'b');
    fc.assert(
      fc.property(fc.oneof(epoch, near), runId, runId, fc.oneof(epoch, near), (recorded, was, is, floor) => {
        const record = { epoch: recorded, runId: was };
        if (whyRefused(record, { runId: is }, floor) !== undefined) return;
        const next = claimEpoch(record, { runId: is }, floor);
        tokenOf(next.epoch, 0);
        assert.ok(next.epoch <= recorded + FLOOR_STEP_MAX + 1);
      }),
    );
  });

  /** Runs of one workflow id: each is created anew, continues the one before it, or is a reset of it. */
  const births = fc.array(fc.constantFrom('anew' as const, 'continued' as const, 'reset' as const), { maxLength: 12 });

  it('never hands one epoch to two runs that do not continue each other; who does not continue recovers', () => {
    fc.assert(
      fc.property(births, fc.boolean(), (kinds, isLate) => {
        let recorded: LockServiceRecord | undefined = claimEpoch(undefined, { runId: '0' }, 0);
        let claim: LockServiceClaim = { runId: '0' };
        let epoch = recorded.epoch;
        for (const [index, kind] of kinds.entries()) {
          const runId = String(index + 1);
          if (kind === 'continued') claim = { runId, previousRunId: claim.runId, epoch };
          else if (kind === 'anew') claim = { runId };
          else claim = { ...claim, runId };
          const next: LockServiceRecord = claimEpoch(recorded, claim, isLate ? recorded.epoch : 0);
          assert.equal(next.epoch, kind === 'continued' ? epoch : epoch + 1);
          assert.equal(next.recovers?.includes(recorded.runId) ?? false, kind !== 'continued');
          assert.deepEqual(claimEpoch(next, claim, next.epoch), next, 'a claim that is repeated');
          recorded = next;
          ({ epoch } = next);
        }
      }),
    );
  });

  it('never falls, whatever is recorded and claimed', () => {
    const epoch = fc.integer({ min: 0, max: 5 });
    const runId = fc.constantFrom('a', 'b', 'c');
    const record = fc.option(fc.record({ epoch: fc.integer({ min: 1, max: 5 }), runId }), { nil: undefined });
    const claim = fc.record({ runId, previousRunId: runId, epoch }, { requiredKeys: ['runId'] });
    fc.assert(
      fc.property(record, claim, epoch, (recorded, claimed, floor) => {
        const next = claimEpoch(recorded, claimed, floor);
        assert.ok(next.epoch >= Math.max(recorded?.epoch ?? 1, claimed.epoch ?? 1, floor));
        if (next.epoch === recorded?.epoch) {
          assert.ok([claimed.runId, claimed.previousRunId].includes(recorded.runId));
        }
      }),
    );
  });
});

describe('fencing tokens', () => {
  it('order by epoch, then by sequence, and stay exact integers', () => {
    const part = fc.tuple(fc.integer({ min: 1, max: 2 ** 22 - 1 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }));
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
      [2 ** 22, 0],
    ] as const) {
      assert.throws(() => tokenOf(epoch, sequence), RangeError);
    }
  });

  it('remembers that a predecessor was lost until that is seen to, also when the answer of the first claim was', () => {
    const first = claimEpoch(undefined, { runId: 'b' }, 7);
    assert.deepEqual(first, { epoch: 8, runId: 'b', isPredecessorLost: true });
    assert.deepEqual(claimEpoch(first, { runId: 'b' }, 7), first);
    const successor = claimEpoch(first, { runId: 'c' }, 7);
    assert.deepEqual(successor, { epoch: 9, runId: 'c', recovers: ['b'], isPredecessorLost: true });
  });
});
