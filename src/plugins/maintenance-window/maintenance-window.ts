/**
 * maintenance-window: memory comes and goes only when somebody is there to look.
 *
 * Outside of every window it vetoes both GOING actions (EAGAIN, Deferred) and says when the next window opens; EAGAIN,
 * because nothing is in the way but the time. `actions` of the MemoryNotifier narrows it to one of them. Only the start
 * of an operation is bound to a window: what began inside may end outside.
 *
 *     plugin:
 *       name: maintenance-window
 *       config: { windows: [{ schedule: '0 22 * * 6', timeZone: Europe/Berlin, durationMinutes: 240 }] }
 */
import { isVetoable } from '../../kernel/memory-action.ts';
import { definePlugin, done } from '../define-plugin.ts';
import { decideAt } from './decide-at.ts';
import type { MaintenanceWindow } from './window-at.ts';

export interface MaintenanceWindowConfig {
  readonly windows: readonly MaintenanceWindow[];
}

/** A year of Saturdays, one by one. Each costs less than a millisecond to look at. */
const WINDOWS_MAX = 53;
const MINUTES_OF_A_WEEK = 7 * 24 * 60;

export const plugin = definePlugin<MaintenanceWindowConfig>({
  name: 'maintenance-window',
  description: 'Vetoes memory operations that start outside of the maintenance windows.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['windows'],
    properties: {
      windows: {
        type: 'array',
        minItems: 1,
        maxItems: WINDOWS_MAX,
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['schedule', 'durationMinutes'],
          properties: {
            schedule: { type: 'string', maxLength: 128, format: 'cron-expression' },
            timeZone: { type: 'string', maxLength: 64, format: 'iana-time-zone' },
            durationMinutes: { type: 'integer', minimum: 1, maximum: MINUTES_OF_A_WEEK },
          },
        },
      },
    },
  },
  notify({ action }, { windows }) {
    return isVetoable(action) ? decideAt(windows, Date.now()) : done();
  },
});
