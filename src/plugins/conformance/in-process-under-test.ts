import { createPluginHost } from '../in-process/plugin-host.ts';
import type { PluginLog } from '../define-plugin.ts';
import { loadPlugins, type PluginRegistry, type RegisteredPlugin } from '../plugin-registry.ts';
import { inProcessChecks } from './in-process-checks.ts';
import { notifierUnderTest } from './notifier-under-test.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';
import { STAND_IN_CLUSTER, standInLeases } from './stand-in-cluster.ts';

export interface InProcessOptions {
  /** A path, a package, or the name of a built-in plugin. */
  readonly specifier: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
  readonly log: PluginLog;
  /** Where paths start; the working directory when unset. */
  readonly directory?: string;
  /** How long what the import leaves running is waited for; 3 s when unset. */
  readonly loadLimitMs?: number;
}

/** Rejects with an Error that says what to do when the plugin cannot be loaded or does not take the configuration. */
export async function inProcessUnderTest(options: InProcessOptions): Promise<PluginUnderTest> {
  const { specifier, config, timeoutMs, log } = options;
  const { registry, plugin } = await load(options);
  const mistake = registry.validateConfig(plugin.name, config);
  if (mistake !== undefined) throw new Error(`${specifier} does not take this --config: ${mistake}`);
  const host = createPluginHost({ registry, cluster: STAND_IN_CLUSTER, leases: standInLeases(), log });
  const notifier = notifierUnderTest({ kind: 'plugin', name: plugin.name, config }, timeoutMs);
  return {
    ask: (event) => host.call(notifier, event),
    checks: inProcessChecks(
      plugin.moduleUrl,
      (settings) => registry.validateConfig(plugin.name, settings),
      options.loadLimitMs,
    ),
    close: () => host.close(),
  };
}

async function load({
  specifier,
  directory,
}: InProcessOptions): Promise<{ registry: PluginRegistry; plugin: RegisteredPlugin }> {
  const isPath = /^(file:|\.{0,2}\/)/.test(specifier);
  if (!isPath) {
    const registry = await loadPlugins({ specifiers: [] });
    const plugin = registry.find(specifier);
    if (plugin) return { registry, plugin };
  }
  const registry = await loadPlugins({ specifiers: [specifier], ...(directory === undefined ? {} : { directory }) });
  const plugin = registry.plugins.find(({ origin }) => origin === specifier);
  if (!plugin) throw new Error(`${specifier} was loaded and is not there`);
  return { registry, plugin };
}
