/**
 * Keeps its balloon still while memory comes or goes, and takes every CANCEL for the end of what it has begun, as a driver of
 * the kernel once did: when somebody before it in the chain vetoes, it unlocks what it never locked.
 */
import { definePlugin, ok } from '../../../../src/plugins/define-plugin.ts';

let isLocked = false;

export const plugin = definePlugin({
  name: 'blind-unlock',
  description: 'Unlocks in CANCEL without having locked.',
  configSchema: { type: 'object', additionalProperties: false },
  notify({ action, dryRun }) {
    if (dryRun) return ok();
    if (action.includes('GOING')) {
      isLocked = true;
      return ok('the balloon rests');
    }
    if (action.includes('CANCEL') && !isLocked) throw new Error('BUG: unlock of a mutex that is not locked');
    isLocked = false;
    return ok();
  },
});
