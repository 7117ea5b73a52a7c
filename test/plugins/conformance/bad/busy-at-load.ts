/** Begins to work when it is imported, and takes every configuration. */
import { definePlugin, ok } from '../../../../src/plugins/define-plugin.ts';

setInterval(() => undefined, 60_000);

export const plugin = definePlugin<Readonly<Record<string, unknown>>>({
  name: 'busy-at-load',
  description: 'Runs a timer from the import on.',
  configSchema: { type: 'object' },
  notify: () => ok(),
});
