/** A notifier plugin that agrees to everything and writes down what it was told: one line for each call. */
import { appendFileSync } from 'node:fs';
import { definePlugin, ok } from '../../src/plugins/define-plugin.ts';

export const plugin = definePlugin<{ file: string }>({
  name: 'counting',
  description: 'Agrees, and appends `<action> <block id>` to a file.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['file'],
    properties: { file: { type: 'string' } },
  },
  notify(event, { file }) {
    appendFileSync(file, `${event.action} ${String(event.blockId)}\n`);
    return ok();
  },
});
