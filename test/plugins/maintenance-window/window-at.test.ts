import assert from 'node:assert/strict';
import fc from 'fast-check';
import { windowAt, type MaintenanceWindow } from '../../../src/plugins/maintenance-window/window-at.ts';
import { firstMomentMs, wallClockMs } from './local-clock.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Whole hours, quarters, half an hour of summer time, and a summer that begins at midnight. */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'America/Havana',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
] as const;
/** Days on which clocks are changed in one of them, and one on which none is. */
const DAYS = ['2026-03-08', '2026-03-29', '2026-04-05', '2026-10-04', '2026-10-25', '2026-11-01', '2026-07-01'];

interface Weekly {
  readonly minuteOfDay: number;
  readonly weekdays: readonly number[];
  readonly timeZone: string;
  readonly durationMinutes: number;
}

const weekly: fc.Arbitrary<Weekly> = fc.record({
  minuteOfDay: fc.oneof(fc.integer({ min: 0, max: 240 }), fc.integer({ min: 0, max: 1439 })),
  weekdays: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }),
  timeZone: fc.constantFrom(...ZONES),
  durationMinutes: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 3 * 1440 })),
});
const now = fc
  .tuple(fc.constantFrom(...DAYS), fc.integer({ min: -2 * DAY_MS, max: 3 * DAY_MS }))
  .map(([day, offset]) => Date.parse(day) + offset);

function windowOf({ minuteOfDay, weekdays, timeZone, durationMinutes }: Weekly): MaintenanceWindow {
  const schedule = `${String(minuteOfDay % 60)} ${String(Math.floor(minuteOfDay / 60))} * * ${weekdays.join()}`;
  return { schedule, timeZone, durationMinutes };
}

/** Every opening near `nowMs`, in order: from before the longest window until more than a week after. */
function openings({ minuteOfDay, weekdays, timeZone }: Weekly, nowMs: number): readonly number[] {
  const today = wallClockMs(nowMs, timeZone);
  return Array.from({ length: 15 }, (_, at) => new Date(today + (at - 5) * DAY_MS))
    .filter((date) => weekdays.includes(date.getUTCDay()))
    .map((date) => ({ year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }))
    .map((day) => firstMomentMs(day, minuteOfDay, timeZone));
}

describe('windowAt', () => {
  it('is open from an opening until the duration is over, by any clock and over any change of it', () => {
    fc.assert(
      fc.property(weekly, now, (given, nowMs) => {
        const durationMs = given.durationMinutes * MINUTE_MS;
        const at = openings(given, nowMs).find((startMs) => nowMs < startMs + durationMs);
        const { timeZone } = given;
        const expected =
          at !== undefined && at <= nowMs ? { kind: 'open', openedMs: at } : { kind: 'closed', opensMs: at };
        assert.deepEqual(windowAt([windowOf(given)], nowMs), { ...expected, timeZone });
      }),
      { numRuns: 500 },
    );
  });

  it('opens and closes at the millisecond', () => {
    fc.assert(
      fc.property(weekly, now, (given, nowMs) => {
        const window = { ...windowOf(given), durationMinutes: Math.min(given.durationMinutes, 1_000) };
        const state = windowAt([window], nowMs);
        const startMs = state.kind === 'open' ? state.openedMs : state.kind === 'closed' ? state.opensMs : 0;
        const endMs = startMs + window.durationMinutes * MINUTE_MS;
        const kindAt = (ms: number) => windowAt([window], ms).kind;
        assert.deepEqual([startMs - 1, startMs, endMs - 1, endMs].map(kindAt), ['closed', 'open', 'open', 'closed']);
      }),
    );
  });

  it('is open when one of several windows is, and otherwise tells the first that opens', () => {
    fc.assert(
      fc.property(fc.array(weekly, { minLength: 1, maxLength: 4 }), now, (given, nowMs) => {
        const windows = given.map(windowOf);
        const alone = windows.map((window) => windowAt([window], nowMs));
        const state = windowAt(windows, nowMs);
        assert.equal(
          state.kind === 'open',
          alone.some(({ kind }) => kind === 'open'),
        );
        if (state.kind !== 'closed') return;
        assert.equal(state.opensMs, Math.min(...alone.map((one) => (one.kind === 'closed' ? one.opensMs : Infinity))));
      }),
    );
  });

  for (const [what, schedule, durationMinutes, at, expected] of [
    ['stays open over midnight', '0 22 * * 6', 240, '2026-11-29T00:30Z', 'open 2026-11-28T21:00Z'],
    ['opens after the gap that its time falls into', '30 2 * * *', 30, '2026-03-29T01:00Z', 'open 2026-03-29T01:00Z'],
    ['does so for one of several times, too', '30 2,14 * * *', 30, '2026-03-29T00:59Z', 'closed 2026-03-29T01:00Z'],
    ['opens at the first of two equal times', '30 2 * * *', 30, '2026-10-25T00:30Z', 'open 2026-10-25T00:30Z'],
    ['but not at the second', '30 2 * * *', 30, '2026-10-25T01:30Z', 'closed 2026-10-26T01:30Z'],
    ['lasts its minutes, whatever the clocks do', '0 1 * * 0', 180, '2026-10-25T01:59Z', 'open 2026-10-24T23:00Z'],
    ['has an end then, too', '0 1 * * 0', 180, '2026-10-25T02:00Z', 'closed 2026-11-01T00:00Z'],
    ['waits for a leap year', '0 0 29 2 *', 60, '2026-03-01T00:00Z', 'closed 2028-02-28T23:00Z'],
    ['knows a schedule that never comes', '0 0 30 2 *', 60, '2026-03-01T00:00Z', 'never'],
  ] as const) {
    it(what, () => {
      const state = windowAt([{ schedule, timeZone: 'Europe/Berlin', durationMinutes }], Date.parse(at));
      const ms = state.kind === 'open' ? state.openedMs : state.kind === 'closed' ? state.opensMs : undefined;
      const time = ms === undefined ? '' : ` ${new Date(ms).toISOString().slice(0, 16)}Z`;
      assert.equal(`${state.kind}${time}`, expected);
    });
  }

  it('takes UTC where no time zone is given', () => {
    const state = windowAt([{ schedule: '0 22 * * *', durationMinutes: 60 }], Date.parse('2026-07-01T22:59:59.999Z'));
    assert.deepEqual(state, { kind: 'open', openedMs: Date.parse('2026-07-01T22:00Z'), timeZone: 'UTC' });
  });
});
