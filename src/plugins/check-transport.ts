import type { NotifierTransport } from '../contract/notifier.ts';
import type { PluginRegistry } from './plugin-registry.ts';
import { caBundleProblem } from './webhook/ca-bundle.ts';

/** What keeps a plugin from being asked, as far as that shows without asking it, and what to do; undefined when nothing does. */
export function checkTransport(registry: PluginRegistry, transport: NotifierTransport): string | undefined {
  switch (transport.kind) {
    case 'invalid':
      return transport.problem;
    case 'plugin':
      return registry.validateConfig(transport.name, transport.config);
    case 'webhook':
      return transport.caBundle === undefined ? undefined : caBundleProblem(transport.caBundle, Date.now());
    case 'taskQueue':
      return undefined;
  }
}
