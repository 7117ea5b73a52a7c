/** Prometheus metrics of the calls of notifiers, as the operations that this process runs report them. */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { NotifierCalls } from '../contract/notifier-calls.ts';
import type { ChainCall } from '../kernel/notifier-chain.ts';
import { MEMORY_ACTIONS } from '../kernel/memory-action.ts';

/** In seconds: a plugin in its thread takes milliseconds, a webhook tens of them; spec.timeoutSeconds is 30 at most. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const RESULTS = {
  NOTIFY_DONE: true,
  NOTIFY_OK: true,
  NOTIFY_STOP: true,
  NOTIFY_BAD: true,
  Error: true,
} as const satisfies Record<ChainCall['result'], true>;

const MS_PER_SECOND = 1000;

/**
 * Registers the metrics, and answers what fills them. Series of a name that is not `isRegistered` disappear: at the next
 * scrape, or when another notifier is called for the first time. A late call brings them back no longer than that.
 */
export function createNotifierMetrics(registry: Registry, isRegistered: (name: string) => boolean): NotifierCalls {
  const registers = [registry];
  const called = new Set<string>();
  const calls = new Counter({
    ...{ name: 'memhp_notifier_calls_total', help: 'Calls of a notifier, by MemoryNotifier, action and result.' },
    ...{ labelNames: ['plugin', 'action', 'result'] as const, registers, collect: dropGone },
  });
  const durations = new Histogram({
    ...{
      name: 'memhp_notifier_call_duration_seconds',
      help: 'How long a notifier took, by MemoryNotifier and action.',
    },
    ...{ labelNames: ['plugin', 'action'] as const, buckets: BUCKETS, registers, collect: dropGone },
  });

  function dropGone(): void {
    for (const plugin of called) {
      if (isRegistered(plugin)) continue;
      called.delete(plugin);
      for (const action of MEMORY_ACTIONS) {
        durations.remove({ plugin, action });
        for (const result of Object.keys(RESULTS)) calls.remove({ plugin, action, result });
      }
    }
  }

  return {
    called({ name: plugin, action, result, durationMs }) {
      if (!called.has(plugin)) dropGone();
      called.add(plugin);
      calls.inc({ plugin, action, result });
      durations.observe({ plugin, action }, durationMs / MS_PER_SECOND);
    },
  };
}
