/** When clocks in a time zone show something, worked out from Intl alone: what the cron library is compared with. */

const DAY_MS = 86_400_000;

export interface LocalDay {
  readonly year: number;
  /** 1 to 12 */
  readonly month: number;
  readonly day: number;
}

/** What the zone's clocks show at `ms`, as if it were UTC. */
export function wallClockMs(ms: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const part = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 0, day, hour, minute, second } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((ms % 1000) + 1000) % 1000);
}

/** The first moment of `day` at which the clocks show `minuteOfDay` or later. */
export function firstMomentMs(day: LocalDay, minuteOfDay: number, timeZone: string): number {
  const wantedMs = Date.UTC(day.year, day.month - 1, day.day) + minuteOfDay * 60_000;
  const offsets = [-1, 1].map((days) => offsetMs(wantedMs + days * DAY_MS, timeZone));
  const shown = offsets.map((offset) => wantedMs - offset).filter((ms) => wallClockMs(ms, timeZone) === wantedMs);
  return shown.length > 0 ? Math.min(...shown) : endOfGapMs(wantedMs, timeZone);
}

/** The clocks jump over `wantedMs`: the moment from which on they show something later. */
function endOfGapMs(wantedMs: number, timeZone: string): number {
  let beforeMs = wantedMs - DAY_MS;
  let afterMs = wantedMs + DAY_MS;
  while (afterMs - beforeMs > 1) {
    const middleMs = Math.floor((beforeMs + afterMs) / 2);
    if (wallClockMs(middleMs, timeZone) >= wantedMs) afterMs = middleMs;
    else beforeMs = middleMs;
  }
  return afterMs;
}

function offsetMs(ms: number, timeZone: string): number {
  return wallClockMs(ms, timeZone) - ms;
}
