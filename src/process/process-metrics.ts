/** The metrics that every process has: of itself, of Node.js, and which version it is. */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Readiness } from './readiness.ts';

/** A registry with them; what the process does is registered by whoever does it. */
export function createProcessMetrics(version: string, readiness: Readiness): Registry {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    ...{ name: 'memhp_build_info', help: 'Always 1; the version is in the label.', registers },
    labelNames: ['version'] as const,
  }).set({ version }, 1);
  new Gauge({
    ...{ name: 'memhp_ready', help: 'Whether a check of /readyz is passed: 1 or 0.', registers },
    labelNames: ['check'] as const,
    collect() {
      this.reset();
      for (const { name, ok } of readiness.report().checks) this.set({ check: name }, ok ? 1 : 0);
    },
  });
  return registry;
}
