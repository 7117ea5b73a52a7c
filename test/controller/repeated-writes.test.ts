import assert from 'node:assert/strict';
import { RepeatedWrites } from '../../src/controller/repeated-writes.ts';
import { FakeClock } from '../support/fake-clock.ts';

const MINUTE_MS = 60_000;

describe('writes of one operator that another one contradicts', () => {
  let clock: FakeClock;
  let writes: RepeatedWrites;

  beforeEach(() => {
    clock = new FakeClock();
    writes = new RepeatedWrites(clock);
  });

  /** At which seconds it writes when it is always contradicted at once. */
  function writtenWithin(durationMs: number): readonly number[] {
    const startMs = clock.nowMs();
    const atSeconds: number[] = [];
    while (clock.nowMs() - startMs <= durationMs) {
      if (writes.waitMs('block', 'online') === undefined) {
        writes.written('block', 'online');
        atSeconds.push((clock.nowMs() - startMs) / 1_000);
      }
      clock.advance(100);
    }
    return atSeconds;
  }

  it('come later and later: six in the first minute, then one a minute', () => {
    assert.deepEqual(writtenWithin(4 * MINUTE_MS), [0, 1, 3, 7, 15, 31, 63, 123, 183]);
  });

  it('do not wait with something new, nor with something that it had given up meanwhile', () => {
    writtenWithin(MINUTE_MS);
    assert.equal(writes.waitMs('block', 'offline'), undefined);
    assert.equal(writes.waitMs('block', 'online'), undefined);
    assert.equal(writes.waitMs('another block', 'online'), undefined);
  });

  it('wait for what is left of the time', () => {
    writes.written('block', 'online');
    clock.advance(400);
    assert.equal(writes.waitMs('block', 'online'), 600);
  });

  it('are forgotten after two minutes', () => {
    writtenWithin(MINUTE_MS);
    clock.advance(2 * MINUTE_MS);
    assert.deepEqual(writtenWithin(5_000), [0, 1, 3]);
  });
});
