const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Units, largest first: until how many of its own a second, smaller unit is still told. */
const UNITS = [
  { name: 'd', ms: DAY_MS, inMs: HOUR_MS, smaller: 'h', until: 8 },
  { name: 'h', ms: HOUR_MS, inMs: MINUTE_MS, smaller: 'm', until: 8 },
  { name: 'm', ms: MINUTE_MS, inMs: SECOND_MS, smaller: 's', until: 10 },
] as const;
/** As kubectl: up to two minutes are told in seconds, up to two days in hours. */
const IN_SECONDS_MS = 2 * MINUTE_MS;
const IN_MINUTES_MS = 3 * HOUR_MS;
const IN_HOURS_MS = 2 * DAY_MS;

/** A duration as kubectl shows ages: `12s`, `3m20s`, `42m`, `5h10m`, `3d4h`. A negative one (clocks differ) is `0s`. */
export function renderAge(ageMs: number): string {
  if (ageMs < IN_SECONDS_MS) return `${String(Math.max(0, Math.floor(ageMs / SECOND_MS)))}s`;
  const [days, hours, minutes] = UNITS;
  if (ageMs < IN_MINUTES_MS) return inUnit(ageMs, minutes);
  return inUnit(ageMs, ageMs < IN_HOURS_MS ? hours : days);
}

function inUnit(ageMs: number, { name, ms, inMs, smaller, until }: (typeof UNITS)[number]): string {
  const whole = Math.floor(ageMs / ms);
  const rest = Math.floor((ageMs % ms) / inMs);
  return `${String(whole)}${name}${whole < until && rest > 0 ? `${String(rest)}${smaller}` : ''}`;
}
