/** The plugin of the benchmark that runs inside the operator: agrees at once, so that what is measured is the road to it. */
import { definePlugin, ok } from '../../src/plugins/define-plugin.ts';

export const plugin = definePlugin<object>({
  name: 'agreeable',
  description: 'Agrees to everything.',
  configSchema: { type: 'object', additionalProperties: false },
  notify: () => ok(),
});
