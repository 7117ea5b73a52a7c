import type { MemoryNotify, NotifierReply, RegisteredNotifier } from '../../contract/notifier.ts';
import type { ClusterReader } from '../cluster-reader.ts';
import type { PluginLog } from '../define-plugin.ts';
import { noLeases, type NodeLeases } from '../node-leases.ts';
import type { PluginRegistry, RegisteredPlugin } from '../plugin-registry.ts';
import { PluginRunner } from './plugin-runner.ts';

export interface PluginHost {
  /**
   * Asks the plugin of `notifier` about `event`, within the notifier's timeout and the event's deadline, whichever ends
   * first. Whatever the plugin does, this resolves: a plugin that gives no usable answer is a reply of kind `error`.
   */
  call(notifier: RegisteredNotifier, event: MemoryNotify): Promise<NotifierReply>;
  /** Ends all threads; calls under way get an error reply. */
  close(): Promise<void>;
}

export interface PluginHostOptions {
  readonly registry: PluginRegistry;
  /** Serves the plugins' reads from this thread. */
  readonly cluster: ClusterReader;
  /** For the plugins that declare to use it; unset: this process has none to offer. */
  readonly leases?: NodeLeases;
  readonly log: PluginLog;
  /** Milliseconds since the epoch, to compare with the event's deadline. */
  readonly now?: () => number;
}

const NO_LEASES = noLeases('this process offers plugins no Leases; only the operator does');
const UNDECLARED_LEASES = noLeases("the plugin does not say that it uses Leases; add uses: ['leases'] to definePlugin");

/** Runs each registered plugin in a worker thread of its own, started at its first call. */
export function createPluginHost(options: PluginHostOptions): PluginHost {
  const { registry, cluster, leases = NO_LEASES, log, now = Date.now } = options;
  const runners = new Map<string, PluginRunner>();

  function runnerOf({ name, moduleUrl, uses }: RegisteredPlugin): PluginRunner {
    const known = runners.get(name);
    if (known) return known;
    const runner = new PluginRunner(name, moduleUrl, {
      cluster,
      leases: uses.includes('leases') ? leases : UNDECLARED_LEASES,
      log: withPlugin(log, name),
    });
    runners.set(name, runner);
    return runner;
  }

  async function call(notifier: RegisteredNotifier, event: MemoryNotify): Promise<NotifierReply> {
    const { transport } = notifier;
    if (transport.kind === 'invalid') return { kind: 'error', message: transport.problem };
    if (transport.kind !== 'plugin') throw new TypeError(`a ${transport.kind} is not asked by the operator's threads`);
    const { name, config } = transport;
    const mistake = registry.validateConfig(name, config);
    const plugin = registry.find(name);
    if (mistake !== undefined || !plugin) return { kind: 'error', message: mistake ?? `no plugin ${name}` };
    const leftMs = Date.parse(event.deadline) - now();
    if (!(leftMs > 0)) return { kind: 'error', message: `the deadline of ${event.action} has passed`, timedOut: true };
    return runnerOf(plugin).call(event, config, Math.min(notifier.timeoutMs, leftMs));
  }

  return {
    call,
    async close() {
      await Promise.all([...runners.values()].map((runner) => runner.close()));
    },
  };
}

function withPlugin(log: PluginLog, plugin: string): PluginLog {
  return {
    debug: (message, fields) => {
      log.debug(message, { plugin, ...fields });
    },
    info: (message, fields) => {
      log.info(message, { plugin, ...fields });
    },
    warn: (message, fields) => {
      log.warn(message, { plugin, ...fields });
    },
    error: (message, fields) => {
      log.error(message, { plugin, ...fields });
    },
  };
}
