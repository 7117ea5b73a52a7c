import { Cron } from 'croner';

const MINUTE_MS = 60_000;

/** A window opens whenever `schedule` comes round on the clocks of `timeZone`, and stays open for the duration. */
export interface MaintenanceWindow {
  /** Cron expression of five fields. */
  readonly schedule: string;
  /** IANA name; UTC when unset. */
  readonly timeZone?: string;
  /** Of elapsed time: a change to or from daylight saving time makes it neither longer nor shorter. */
  readonly durationMinutes: number;
}

export type WindowState =
  /** The opening is included, the end is not. */
  | { readonly kind: 'open'; readonly openedMs: number; readonly timeZone: string }
  | { readonly kind: 'closed'; readonly opensMs: number; readonly timeZone: string }
  /** No schedule comes round again. */
  | { readonly kind: 'never' };

/**
 * Whether one of `windows` is open at `nowMs` (since the epoch); if not, which opens first. A time of day that the clocks
 * skip opens the window at the end of the gap; one that they show twice opens it once, at the first.
 */
export function windowAt(windows: readonly MaintenanceWindow[], nowMs: number): WindowState {
  let state: WindowState = { kind: 'never' };
  for (const { schedule, timeZone = 'UTC', durationMinutes } of windows) {
    // The first opening that has not ended by now: either it is open, or it is the next.
    const startMs = firstAfter(schedule, timeZone, nowMs - durationMinutes * MINUTE_MS);
    if (startMs === undefined) continue;
    if (startMs <= nowMs) return { kind: 'open', openedMs: startMs, timeZone };
    if (state.kind === 'never' || startMs < state.opensMs) state = { kind: 'closed', opensMs: startMs, timeZone };
  }
  return state;
}

function firstAfter(schedule: string, timezone: string, afterMs: number): number | undefined {
  const cron = new Cron(schedule, { mode: '5-part', timezone, fixedTimeRule: 'no-wildcard', paused: true });
  return cron.nextRun(new Date(afterMs))?.getTime();
}
