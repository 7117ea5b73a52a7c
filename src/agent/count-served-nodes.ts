import { Gauge, type Registry } from 'prom-client';

/** Registers the metric of how many nodes a process serves. */
export function countServedNodes(registry: Registry, served: { readonly size: number }): void {
  new Gauge({
    ...{ name: 'memhp_agent_nodes', help: 'How many nodes this agent serves.', registers: [registry] },
    collect() {
      this.set(served.size);
    },
  });
}
