import type { NotifierAnswer } from '../../contract/notifier.ts';
import { ok, veto } from '../define-plugin.ts';
import { windowAt, type MaintenanceWindow } from './window-at.ts';

/** The most that an answer may ask for; a window that is further away is looked for again every day. */
const RETRY_AFTER_SECONDS_MAX = 86_400;

/** Agrees inside of a window; outside of all, vetoes until the next one opens. */
export function decideAt(windows: readonly MaintenanceWindow[], nowMs: number): NotifierAnswer {
  const state = windowAt(windows, nowMs);
  switch (state.kind) {
    case 'open':
      return ok(`in the maintenance window that opened ${readable(state.openedMs, state.timeZone)}`);
    case 'closed':
      return veto(
        'EAGAIN',
        `outside of every maintenance window; the next one opens ${readable(state.opensMs, state.timeZone)}`,
        {
          retryAfterSeconds: Math.min(RETRY_AFTER_SECONDS_MAX, Math.ceil((state.opensMs - nowMs) / 1000)),
          outlook: 'Deferred',
        },
      );
    case 'never':
      return veto('EAGAIN', 'no maintenance window ever opens; correct schedule in spec.plugin.config.windows', {
        outlook: 'Infeasible',
      });
  }
}

/** As the clocks of the zone show it, and how far they are from UTC: `2026-11-28 22:00 GMT+1 (Europe/Berlin)`. */
function readable(ms: number, timeZone: string): string {
  // Swedish dates are ISO 8601 dates.
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(ms);
  const offset = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'shortOffset' })
    .formatToParts(ms)
    .find(({ type }) => type === 'timeZoneName');
  return `${clock} ${offset?.value ?? ''} (${timeZone})`;
}
