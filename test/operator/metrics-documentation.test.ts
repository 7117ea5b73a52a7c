import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Registry } from 'prom-client';
import { countServedNodes } from '../../src/agent/count-served-nodes.ts';
import { createStepReports } from '../../src/agent/step-reports.ts';
import { createApiMetrics } from '../../src/k8s/api-metrics.ts';
import { createControllerMetrics } from '../../src/operator/controller-metrics.ts';
import { createLockSinks } from '../../src/operator/lock-metrics.ts';
import { createNotifierMetrics } from '../../src/operator/notifier-metrics.ts';
import { createObjectMetrics } from '../../src/operator/object-metrics.ts';
import { createScrape } from '../../src/process/create-scrape.ts';
import { createProcessMetrics } from '../../src/process/process-metrics.ts';
import { Readiness } from '../../src/process/readiness.ts';

const PAGE = readFileSync(path.resolve(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
const NAME = /^(?:memhp|controller_runtime|workqueue|rest_client)_/;
const ROW = /^\| `(?<name>\w+)` \| (?<type>\w+) \| (?<of>[oa, ]+) \|(?<labels>[^|]*)\|/gm;

const NO_OBJECTS = { get: () => undefined, list: () => [] };
const NO_LOG = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

function registryOf(register: (registry: Registry) => void): Registry {
  const registry = createProcessMetrics('0.0.0', new Readiness());
  createApiMetrics(registry);
  createScrape(registry);
  register(registry);
  return registry;
}

const operator = registryOf((registry) => {
  createControllerMetrics(registry);
  createLockSinks(registry);
  createNotifierMetrics(registry, () => true);
  const caches = { blocks: NO_OBJECTS, nodeMemories: NO_OBJECTS, notifiers: NO_OBJECTS, nodes: NO_OBJECTS };
  createObjectMetrics(registry, caches);
});
const agent = registryOf((registry) => {
  createStepReports(registry, NO_LOG);
  countServedNodes(registry, { size: 0 });
});

/** `name type labels` of every metric that is not a library's. */
async function metricsOf(registry: Registry): Promise<ReadonlySet<string>> {
  const metrics = (await registry.getMetricsAsJSON()).filter(({ name }) => NAME.test(name));
  return new Set(
    metrics.map(({ name, type }) => {
      const { labelNames } = registry.getSingleMetric(name) as unknown as { labelNames: readonly string[] };
      return `${name} ${String(type)} ${labelNames.join(', ')}`;
    }),
  );
}

function documentedOf(process: 'o' | 'a'): ReadonlySet<string> {
  const rows = [...PAGE.matchAll(ROW)].filter(({ groups }) => groups?.['of']?.includes(process));
  return new Set(
    rows.map(({ groups = {} }) => {
      const { name = '', type = '', labels = '' } = groups;
      return `${name} ${type} ${labels.replaceAll('`', '').trim()}`;
    }),
  );
}

describe('docs/metrics.md', () => {
  it('explains the metrics that an operator has, with their types and labels', async () => {
    assert.deepEqual([...documentedOf('o')].sort(), [...(await metricsOf(operator))].sort());
  });

  it('explains the metrics that an agent has, with their types and labels', async () => {
    assert.deepEqual([...documentedOf('a')].sort(), [...(await metricsOf(agent))].sort());
  });
});
