/** What the long-running commands share: options of every process, logging, and an orderly end on SIGTERM and SIGINT. */
import { Option, type Command } from 'commander';
import type { KubeConfig } from '@kubernetes/client-node';
import type winston from 'winston';
import type { LogFormat } from '../process/create-logger.ts';
import { withClusterOptions, type ClusterOptions } from './cluster-options.ts';

export interface ProcessOptions extends ClusterOptions {
  readonly logLevel: string;
  readonly logFormat: LogFormat;
}

export interface RunningProcess {
  readonly kubeConfig: KubeConfig;
  readonly log: winston.Logger;
  /** Aborted by the first SIGTERM or SIGINT. */
  readonly signal: AbortSignal;
}

/** A process that has not ended by itself so long after it was asked to is stuck; Temporal and the API server carry on without it. */
const SHUTDOWN_LIMIT_MS = 30_000;

export function withProcessOptions(command: Command): Command {
  return withClusterOptions(command)
    .addOption(
      new Option('--log-level <level>', 'how much to log').choices(['error', 'warn', 'info', 'debug']).default('info'),
    )
    .addOption(new Option('--log-format <format>', 'how to log').choices(['json', 'text']).default('json'));
}

/** Runs `main` until it returns or a signal asks it to end; a second signal, or the limit, ends the process at once. */
export async function runProcess(
  name: string,
  options: ProcessOptions,
  main: (running: RunningProcess) => Promise<void>,
): Promise<void> {
  // Loaded here, not above: the clients of two servers take a second, which commands without any need not wait for.
  const [{ createLogger }, { installRuntime }, { loadKubeConfig }] = await Promise.all([
    import('../process/create-logger.ts'),
    import('../temporal/install-runtime.ts'),
    import('../k8s/kube-config.ts'),
  ]);
  const log = createLogger({ process: name, level: options.logLevel, format: options.logFormat });
  const kubeConfig = loadKubeConfig(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig });
  const runtime = installRuntime(log);
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(1);
    log.info('shutting down', { signal });
    controller.abort();
    setTimeout(() => {
      log.error('shutdown takes too long; giving up', { limitMs: SHUTDOWN_LIMIT_MS });
      process.exit(1);
    }, SHUTDOWN_LIMIT_MS).unref();
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  log.info('starting', { pid: process.pid, node: process.version });
  try {
    await main({ kubeConfig, log, signal: controller.signal });
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    log.warn('ended with an error while shutting down', { error: String(error) });
  } finally {
    await runtime.shutdown();
  }
  log.info('stopped');
}
