/** What an activity is about, on every line that is logged from within it: docs/logging.md. */
import type { ActivityInterceptorsFactory } from '@temporalio/worker';

/** Of the argument of any activity of ours: who is asked about which node, under which locks. */
interface About {
  readonly node?: unknown;
  readonly tokens?: unknown;
  readonly walk?: { readonly node?: unknown; readonly tokens?: unknown };
}

export const activityLogFields: ActivityInterceptorsFactory = () => {
  let fields: Readonly<Record<string, unknown>> = {};
  return {
    inbound: {
      execute(input, next) {
        fields = fieldsOf(input.args[0]);
        return next(input);
      },
    },
    outbound: { getLogAttributes: (input, next) => next({ ...input, ...fields }) },
  };
};

/** A plugin's or a stranger's argument may be anything. */
function fieldsOf(argument: unknown): Readonly<Record<string, unknown>> {
  if (typeof argument !== 'object' || argument === null) return {};
  const { walk, node = walk?.node, tokens = walk?.tokens } = argument as About;
  return { ...(node === undefined ? {} : { node }), ...(tokens === undefined ? {} : { tokens }) };
}
