import assert from 'node:assert/strict';
import fc from 'fast-check';
import { believed, type Disproofs } from '../../src/kernel/disproof.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** When the node is believed, if it says the same at each of these moments. */
function believedAt(moments: readonly number[]): readonly number[] {
  let known: Disproofs | undefined;
  return moments.filter((nowMs) => {
    const next = believed(known, nowMs);
    known = next ?? known;
    return next !== undefined;
  });
}

describe('a node that disproves its lock service', () => {
  it('is believed at once, and again after ever longer pauses, up to an hour', () => {
    const everySecond = Array.from({ length: 5 * 3_600 }, (_, second) => second * 1_000);
    const minutes = believedAt(everySecond).map((ms) => ms / MINUTE_MS);
    assert.deepEqual(minutes, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
  });

  it('is believed at once when the last time was a day ago, however often it was before', () => {
    for (let count = 1; count < 2_000; count *= 3) {
      assert.deepEqual(believed({ count, lastMs: 0 }, DAY_MS), { count: 1, lastMs: DAY_MS });
      assert.equal(believed({ count, lastMs: 0 }, MINUTE_MS - 1), undefined);
    }
  });

  it('begins no more epochs than seven and 24 a day, whenever it says so', () => {
    const gaps = fc.array(fc.oneof(fc.integer({ min: 1, max: 2 * MINUTE_MS }), fc.integer({ min: 1, max: DAY_MS })), {
      minLength: 1,
      maxLength: 400,
    });
    fc.assert(
      fc.property(gaps, (between) => {
        const moments = between.map((_, index) => between.slice(0, index).reduce((sum, gap) => sum + gap, 0));
        const days = (moments.at(-1) ?? 0) / DAY_MS;
        assert.ok(believedAt(moments).length <= 7 + 24 * days);
      }),
    );
  });
});
