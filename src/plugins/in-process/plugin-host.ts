import type { MemoryNotify, NotifierReply, RegisteredNotifier } from '../../contract/notifier.ts';
import type { ClusterReader } from '../cluster-reader.ts';
import type { PluginLog } from '../define-plugin.ts';
import type { PluginRegistry } from '../plugin-registry.ts';
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
  readonly log: PluginLog;
  /** Milliseconds since the epoch, to compare with the event's deadline. */
  readonly now?: () => number;
}

/** Runs each registered plugin in a worker thread of its own, started at its first call. */
export function createPluginHost({ registry, cluster, log, now = Date.now }: PluginHostOptions): PluginHost {
  const runners = new Map<string, PluginRunner>();

  function runnerOf(name: string, moduleUrl: string): PluginRunner {
    const known = runners.get(name);
    if (known) return known;
    const runner = new PluginRunner(name, moduleUrl, { cluster, log: withPlugin(log, name) });
    runners.set(name, runner);
    return runner;
  }

  async function ask(notifier: RegisteredNotifier, event: MemoryNotify): Promise<NotifierReply> {
    const { name, config } = notifier.plugin;
    const mistake = registry.validateConfig(name, config);
    const plugin = registry.find(name);
    if (mistake !== undefined || !plugin) return { kind: 'error', message: mistake ?? `no plugin ${name}` };
    const leftMs = Date.parse(event.deadline) - now();
    if (!(leftMs > 0)) return { kind: 'error', message: `the deadline of ${event.action} has passed`, timedOut: true };
    return runnerOf(name, plugin.moduleUrl).call(event, config, Math.min(notifier.timeoutMs, leftMs));
  }

  return {
    async call(notifier, event) {
      const reply = await ask(notifier, event);
      if (reply.kind === 'error') {
        const { action, node, blockId } = event;
        log.warn(reply.message, { notifier: notifier.name, action, node, blockId });
      }
      return reply;
    },
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
