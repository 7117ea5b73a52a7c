import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Registry } from 'prom-client';
import { createLockSinks } from '../../src/operator/lock-metrics.ts';
import { createNotifierMetrics } from '../../src/operator/notifier-metrics.ts';

describe('docs/metrics.md', () => {
  it('explains the metrics that there are, with their types', async () => {
    const registry = new Registry();
    createLockSinks(registry);
    createNotifierMetrics(registry, () => true);
    const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `(?<name>memhp_\w+)` \| (?<type>\w+) \|/gm)];
    const documented = rows.map(({ groups }) => [groups?.['name'], groups?.['type']]);
    const registered = (await registry.getMetricsAsJSON()).map(({ name, type }) => [name, String(type)]);
    assert.deepEqual(documented.sort(), registered.sort());
  });
});
