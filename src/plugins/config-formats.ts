import type { Ajv } from 'ajv';
import { Cron } from 'croner';

/** minute, hour, day of month, month, day of week: no seconds, no nicknames, no single dates. */
const FIVE_FIELDS = /^\S+( \S+){4}$/;

/**
 * The string formats that a plugin's configSchema may name, beside what JSON schema itself can say. They are checked
 * where the configuration is checked, in the operator's own thread, so they are the operator's code, not the plugin's.
 */
export function addConfigFormats(ajv: Ajv): void {
  ajv.addFormat('cron-expression', isCronExpression);
  ajv.addFormat('iana-time-zone', isTimeZone);
}

/** Whether `text` is a cron expression of five fields that comes round at all: 30 February does not. */
function isCronExpression(text: string): boolean {
  if (!FIVE_FIELDS.test(text)) return false;
  try {
    return new Cron(text, { mode: '5-part', timezone: 'UTC', paused: true }).nextRun() !== null;
  } catch {
    return false;
  }
}

/** Whether this machine's time zone data knows `text` by name: not an offset, which has no daylight saving time. */
function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).format(0) !== '';
  } catch {
    return false;
  }
}
