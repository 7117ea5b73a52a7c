import type { ClusterReader } from '../cluster-reader.ts';
import type { PluginLog } from '../define-plugin.ts';
import { noLeases } from '../node-leases.ts';
import { PluginThread } from './plugin-thread.ts';
import type { PluginDescription } from './thread-messages.ts';

/** Imports a plugin's module in a thread that ends afterwards, and returns what it says about itself. */
export async function describePlugin(moduleUrl: string, timeoutMs: number): Promise<PluginDescription> {
  const thread = new PluginThread(moduleUrl, { cluster: NO_CLUSTER, leases: NO_LEASES, log: NO_LOG });
  const timer = setTimeout(() => {
    void thread.end(`did not load in ${String(timeoutMs / 1000)} s; do nothing slow at the top of the module`);
  }, timeoutMs);
  try {
    return await thread.description;
  } finally {
    clearTimeout(timer);
    await thread.end('was only asked for its description');
  }
}

/** A module that is being loaded has been asked nothing yet, so it has nothing to ask. */
function refuse(): Promise<never> {
  return Promise.reject(new Error('a plugin may read the cluster only while it is called'));
}

const NO_CLUSTER: ClusterReader = { node: refuse, podsOnNode: refuse, nodeMemoryOnlineBytes: refuse };
const NO_LEASES = noLeases('a plugin may use Leases only while it is called');
const NO_LOG: PluginLog = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {
  // Nothing is logged on behalf of a module that is being loaded.
}
