/** What the long-running commands share: their options, logs, metrics and probes, and an orderly end on SIGTERM and SIGINT. */
import { Option, type Command } from 'commander';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Registry } from 'prom-client';
import type winston from 'winston';
import type { LogFormat } from '../process/create-logger.ts';
import type { ListenAddress } from '../process/listen-address.ts';
import type { Ending } from '../process/ending.ts';
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
  /** To be told what `main` is about to reject with, before it closes anything: from then on its end is limited, too. */
  readonly fail: (error: unknown) => void;
  /** Where the metrics of this process are registered. */
  readonly metrics: Registry;
  /** What `/readyz` tells: `main` adds its checks, and says when it has started. */
  readonly readiness: Readiness;
}

/** A process that has not ended by itself so long after it was asked to is stuck; Temporal and the API server carry on without it. */
export const SHUTDOWN_LIMIT_MS = 30_000;
const LINGER_MS = 1_000;

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
  const [{ createLogger }, { Ending }, { loadKubeConfig }, { parseListenAddress }, { Readiness }] = await Promise.all([
    import('../process/create-logger.ts'),
    import('../process/ending.ts'),
    import('../k8s/kube-config.ts'),
    import('../process/listen-address.ts'),
    import('../process/readiness.ts'),
  ]);
  const log = createLogger({ process: name, level: options.logLevel, format: options.logFormat });
  const address = parseListenAddress(options.metricsAddress);
  const kubeConfig = loadKubeConfig(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig });
  const readiness = new Readiness();
  const ending = new Ending({
    ...{ log, readiness, limitMs: SHUTDOWN_LIMIT_MS, lingerMs: LINGER_MS },
    exit: (status) => process.exit(status),
  });
  const { signal } = ending;
  const fail = ending.failed.bind(ending);
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, ending.asked.bind(ending));
  log.info('starting', { pid: process.pid, version: PACKAGE.version, nodejs: process.version });
  try {
    await whileObserved({ address, log, kubeConfig, readiness, ending }, (metrics) =>
      untilEnd(ending, log, () => main({ kubeConfig, log, signal, fail, metrics, readiness })),
    );
  } finally {
    ending.closed();
  }
  log.info('stopped');
}

/** What fails while the process ends as it was asked to is no failure of the process. */
async function untilEnd(ending: Ending, log: winston.Logger, main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (!ending.signal.aborted) ending.failed(error);
    if (ending.fatal !== undefined) throw error;
    log.warn('ended with an error while shutting down', { error });
  }
}

interface Observed extends Pick<RunningProcess, 'log' | 'kubeConfig' | 'readiness'> {
  readonly ending: Ending;
  /** Unset: what is measured is not served. */
  readonly address: ListenAddress | undefined;
}

/** Runs `work` with Temporal's Runtime around it, and serves what it tells of itself until it has ended. */
async function whileObserved(
  { address, log, kubeConfig, readiness, ending }: Observed,
  work: (metrics: Registry) => Promise<void>,
): Promise<void> {
  const [{ closeInOrder }, { createProcessMetrics }, { createScrape }, { serveProcess }, runtimes] = await Promise.all([
    import('../process/close-in-order.ts'),
    import('../process/process-metrics.ts'),
    import('../process/create-scrape.ts'),
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
    const runtime = runtimes.installRuntime(log);
    await work(registry).finally(() => runtime.shutdown());
    return;
  }
  const runtime = await runtimes.installMeasuredRuntime(log);
  let server: ProcessServer | undefined;
  try {
    const metrics = createScrape(registry, [{ name: "Temporal's SDK", tell: () => runtime.metrics() }]);
    server = await serveProcess({ address, metrics, readiness, fatal: () => ending.fatal });
    log.info('serving metrics', { url: `${server.url}/metrics` });
    await work(registry);
  } finally {
    await closeInOrder(log, {
      "Temporal's runtime": () => runtime.shutdown(),
      'server of metrics and probes': async () => server?.close(),
    });
  }
}
