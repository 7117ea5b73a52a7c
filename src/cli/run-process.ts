/** What the long-running commands share: their options, logs, metrics and probes, and an orderly end on SIGTERM and SIGINT. */
import { Option, type Command } from 'commander';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Registry } from 'prom-client';
import type winston from 'winston';
import type { LogFormat } from '../process/create-logger.ts';
import type { ListenAddress } from '../process/listen-address.ts';
import type { ProcessServer } from '../process/process-server.ts';
import type { Readiness } from '../process/readiness.ts';
import { withClusterOptions, type ClusterOptions } from './cluster-options.ts';
import { PACKAGE } from './package-version.ts';

export interface ProcessOptions extends ClusterOptions {
  readonly logLevel: string;
  readonly logFormat: LogFormat;
  readonly metricsAddress: string;
}

export interface RunningProcess {
  readonly kubeConfig: KubeConfig;
  readonly log: winston.Logger;
  /** Aborted by the first SIGTERM or SIGINT. */
  readonly signal: AbortSignal;
  /** Where the metrics of this process are registered. */
  readonly metrics: Registry;
  /** What `/readyz` tells: `main` adds its checks, and says when it has started. */
  readonly readiness: Readiness;
}

/** A process that has not ended by itself so long after it was asked to is stuck; Temporal and the API server carry on without it. */
export const SHUTDOWN_LIMIT_MS = 30_000;

/** `metricsAddress`: the default, as `--metrics-address` takes it. */
export function withProcessOptions(command: Command, metricsAddress: string): Command {
  return withClusterOptions(command)
    .addOption(
      new Option('--log-level <level>', 'how much to log').choices(['error', 'warn', 'info', 'debug']).default('info'),
    )
    .addOption(new Option('--log-format <format>', 'how to log').choices(['json', 'text']).default('json'))
    .option(
      '--metrics-address <address>',
      'serve /metrics for Prometheus, /healthz and /readyz there; 0: do not',
      metricsAddress,
    );
}

/** Runs `main` until it returns or a signal asks it to end; a second signal, or the limit, ends the process at once. */
export async function runProcess(
  name: string,
  options: ProcessOptions,
  main: (running: RunningProcess) => Promise<void>,
): Promise<void> {
  // Loaded here, not above: the clients of two servers take a second, which commands without any need not wait for.
  const [{ createLogger }, { loadKubeConfig }, { parseListenAddress }, { Readiness }] = await Promise.all([
    import('../process/create-logger.ts'),
    import('../k8s/kube-config.ts'),
    import('../process/listen-address.ts'),
    import('../process/readiness.ts'),
  ]);
  const log = createLogger({ process: name, level: options.logLevel, format: options.logFormat });
  const address = parseListenAddress(options.metricsAddress);
  const kubeConfig = loadKubeConfig(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig });
  const readiness = new Readiness();
  const signal = abortedBySignals(log, readiness);
  log.info('starting', { pid: process.pid, version: PACKAGE.version, nodejs: process.version });
  await whileObserved({ address, log, kubeConfig, readiness }, async (metrics) => {
    try {
      await main({ kubeConfig, log, signal, metrics, readiness });
    } catch (error) {
      if (!signal.aborted) throw error;
      log.warn('ended with an error while shutting down', { error });
    }
  });
  log.info('stopped');
}

function abortedBySignals(log: winston.Logger, readiness: Readiness): AbortSignal {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(1);
    log.info('shutting down', { signal });
    readiness.shutDown();
    controller.abort();
    setTimeout(() => {
      log.error('shutdown takes too long; giving up', { limitMs: SHUTDOWN_LIMIT_MS });
      process.exit(1);
    }, SHUTDOWN_LIMIT_MS).unref();
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  return controller.signal;
}

interface Observed extends Pick<RunningProcess, 'log' | 'kubeConfig' | 'readiness'> {
  /** Unset: what is measured is not served. */
  readonly address: ListenAddress | undefined;
}

/** Runs `work` with Temporal's Runtime around it, and serves what it tells of itself until it has ended. */
async function whileObserved(
  { address, log, kubeConfig, readiness }: Observed,
  work: (metrics: Registry) => Promise<void>,
): Promise<void> {
  const [{ createProcessMetrics }, { mergeMetrics }, { serveProcess }, { installRuntime, installMeasuredRuntime }] =
    await Promise.all([
      import('../process/process-metrics.ts'),
      import('../process/merge-metrics.ts'),
      import('../process/process-server.ts'),
      import('../temporal/install-runtime.ts'),
    ]);
  const [{ createApiMetrics }, { observeApi }] = await Promise.all([
    import('../k8s/api-metrics.ts'),
    import('../k8s/api-observer.ts'),
  ]);
  const registry = createProcessMetrics(PACKAGE.version, readiness);
  observeApi(kubeConfig, createApiMetrics(registry));
  if (!address) {
    const runtime = installRuntime(log);
    await work(registry).finally(() => runtime.shutdown());
    return;
  }
  const runtime = await installMeasuredRuntime(log);
  let fatal: string | undefined;
  let server: ProcessServer | undefined;
  try {
    const metrics = () => mergeMetrics([() => registry.metrics(), () => runtime.metrics()]);
    server = await serveProcess({ address, metrics, readiness, fatal: () => fatal });
    log.info('serving metrics', { url: `${server.url}/metrics` });
    await work(registry);
  } catch (error) {
    // Should something keep the process from ending, the kubelet learns that it is of no use any more.
    fatal = String(error);
    throw error;
  } finally {
    await runtime.shutdown();
    await server?.close();
  }
}
