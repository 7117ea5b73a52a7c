/** Was written with one action in mind: for all others the function ends without an answer. */
import type { NotifierAnswer } from '../../../../src/contract/notifier.ts';
import { definePlugin, veto } from '../../../../src/plugins/define-plugin.ts';

export const plugin = definePlugin({
  name: 'silent-elsewhere',
  description: 'Answers MEM_GOING_OFFLINE, and nothing else.',
  configSchema: { type: 'object', additionalProperties: false },
  notify({ action, node }) {
    if (action === 'MEM_GOING_OFFLINE') return veto('EBUSY', `the database on ${node} has pinned pages`);
    return undefined as unknown as NotifierAnswer;
  },
});
