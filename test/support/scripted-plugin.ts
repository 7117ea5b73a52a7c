/** A notifier plugin inside the operator whose MemoryNotifier says what it answers and where it writes down its calls. */
import { definePlugin } from '../../src/plugins/define-plugin.ts';
import { MEMORY_ACTIONS } from '../../src/kernel/memory-action.ts';
import { playScript, type PluginScript } from './plugin-script.ts';

export const plugin = definePlugin<{ calls: string; script?: PluginScript }>({
  name: 'scripted',
  description: 'Answers by action as its configuration says, and writes each call to a file.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['calls'],
    properties: { calls: { type: 'string' }, script: { type: 'object', propertyNames: { enum: MEMORY_ACTIONS } } },
  },
  notify: (event, { calls, script = {} }) => playScript(script, event, calls),
});
