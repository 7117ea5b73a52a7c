/** Each call of a notifier as a line of the operator's log, whatever the transport: one that got no answer is a warning. */
import type { NotifierCalls } from '../contract/notifier-calls.ts';
import type { Log } from '../controller/cluster.ts';

export function logCalls(log: Log): NotifierCalls {
  return {
    called({ name, ...call }) {
      const fields = { notifier: name, ...call };
      if (call.result === 'Error') log.warn('a notifier gave no answer', fields);
      else log.debug('notifier', fields);
    },
  };
}
