/** At most so many operations at a time; one that was only asked about in a dry run counts, and never ends. */
import { definePlugin, done, ok, veto } from '../../../../src/plugins/define-plugin.ts';

const underWay = new Set<string>();

export const plugin = definePlugin<{ max: number }>({
  name: 'counts-dry-runs',
  description: 'Limits how many operations are under way, and counts dry runs.',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['max'],
    properties: { max: { type: 'integer', minimum: 1 } },
  },
  notify({ action, runId }, { max }) {
    if (!action.includes('GOING')) {
      underWay.delete(runId);
      return done();
    }
    if (underWay.size >= max && !underWay.has(runId)) {
      return veto('EAGAIN', `${String(max)} operations are under way already`, { retryAfterSeconds: 30 });
    }
    underWay.add(runId);
    return ok();
  },
});
