import type { NotifierCalls } from '../contract/notifier-calls.ts';
import type { CallSinks } from '../temporal/workers.ts';

/** Tells every one of `listeners` what operations tell of the notifiers they ask. */
export function createCallSinks(listeners: readonly NotifierCalls[]): CallSinks {
  return {
    notifierCalls: {
      called: {
        fn: (_, call) => {
          for (const listener of listeners) listener.called(call);
        },
      },
    },
  };
}
