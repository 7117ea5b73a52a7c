/** What a process answers to Prometheus. */
import { Counter, type Registry } from 'prom-client';
import { mergeMetrics, partsOf, type MetricsPart } from './merge-metrics.ts';

/** Everything that is registered at the time of a scrape, and `others`. Registers how often a part of it failed. */
export function createScrape(registry: Registry, others: readonly MetricsPart[] = []): () => Promise<string> {
  const failures = new Counter({
    ...{ name: 'memhp_metrics_failures_total', help: 'How often a scrape lacked a metric that could not be told.' },
    ...{ labelNames: ['part'] as const, registers: [registry] },
  });
  return () =>
    mergeMetrics([...partsOf(registry), ...others], (part) => {
      failures.inc({ part });
    });
}
