/** The operator process: controller, workflow workers, plugins. Any number of them run side by side. */
import { hostname } from 'node:os';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Worker } from '@temporalio/worker';
import type { Registry } from 'prom-client';
import type winston from 'winston';
import type { NotifierCalls } from '../contract/notifier-calls.ts';
import type { Caches } from '../controller/cluster.ts';
import type { ControllerMetrics } from '../controller/controller-metrics.ts';
import { Controller } from '../controller/controller.ts';
import { clusterId } from '../k8s/cluster-id.ts';
import { createClusterReader } from '../k8s/cluster-reader.ts';
import { createKubernetesCluster } from '../k8s/kubernetes-cluster.ts';
import { createNodeLeases } from '../k8s/node-leases.ts';
import { checkTransport } from '../plugins/check-transport.ts';
import { createPluginHost } from '../plugins/in-process/plugin-host.ts';
import { loadPlugins } from '../plugins/plugin-registry.ts';
import { closeInOrder } from '../process/close-in-order.ts';
import type { Readiness } from '../process/readiness.ts';
import { retryUntilDone } from '../process/retry-until-done.ts';
import { within } from '../process/within.ts';
import { connectTemporal, type TemporalConnections } from '../temporal/connect-temporal.ts';
import { runWorker, type RunningWorker } from '../temporal/run-worker.ts';
import { TemporalLockService } from '../temporal/temporal-lock-service.ts';
import { TemporalOperationStarter } from '../temporal/temporal-operation-starter.ts';
import { probeTemporal, type TemporalProbe } from '../temporal/temporal-probe.ts';
import { createControllerMetrics } from './controller-metrics.ts';
import { failpointInterceptors, parseFailpoints } from './failpoints.ts';
import { keepLockServices, type KeepLockServicesOptions } from './keep-lock-services.ts';
import { LastCalls, lastCallWriter } from './last-calls.ts';
import { createNotifierMetrics } from './notifier-metrics.ts';
import { createObjectMetrics } from './object-metrics.ts';
import { createOperatorWorkers } from './operator-workers.ts';
import { watchCluster, type ClusterWatch } from './watch-cluster.ts';

/**
 * Seconds where Temporal answers. A server that goes away between the first answer and this leaves a connection that nobody but
 * the system gives up, after minutes; whoever starts this process again has a new one at once.
 */
const WORKERS_LIMIT_MS = 60_000;

export interface OperatorOptions {
  readonly kubeConfig: KubeConfig;
  readonly log: winston.Logger;
  /** Aborted to shut down: the controller stops first, then the workers let go of what they run. */
  readonly signal: AbortSignal;
  /** Told of the error with which the operator is about to reject, before it closes anything. */
  readonly fail: (error: unknown) => void;
  /** Plugins beyond the built-in ones: npm packages or paths. */
  readonly plugins: readonly string[];
  /** Unset: from the cluster itself. */
  readonly clusterId?: string;
  /** How many offlines may be under way in the fleet; unset: any number. */
  readonly maxConcurrentOfflines?: number;
  /** Where the metrics of this process are registered. */
  readonly metrics: Registry;
  readonly readiness: Readiness;
}

/** Resolves when it has shut down. Rejects when a plugin cannot be loaded, or a worker cannot go on. */
export async function runOperator(options: OperatorOptions): Promise<void> {
  const { kubeConfig, log, signal, readiness } = options;
  const interceptors = failpointInterceptors(parseFailpoints(process.env['MEMHP_FAILPOINTS']));
  const registry = await loadPlugins({ specifiers: options.plugins });
  const cluster = await retryUntilDone('read the cluster id', log, signal, () =>
    clusterId(kubeConfig, options.clusterId),
  );
  if (cluster === undefined) return;
  const temporal = await connectTemporal(log, signal);
  if (!temporal) return;
  const plugins = createPluginHost({
    registry,
    cluster: createClusterReader(kubeConfig),
    leases: createNodeLeases(kubeConfig),
    log,
  });
  const instance = `${hostname()}-${String(process.pid)}`;
  const kubernetes = createKubernetesCluster({ kubeConfig, instance, log });
  const watch = watchCluster(kubeConfig, log);
  const starter = new TemporalOperationStarter(temporal.client, cluster);
  const { controllerMetrics, notifierMetrics } = createMetrics(options.metrics, watch.caches);
  const controller = new Controller({
    clusterId: cluster,
    caches: watch.caches,
    cluster: kubernetes,
    starter,
    locks: new TemporalLockService(temporal.client, cluster),
    checkTransport: (transport) => Promise.resolve(checkTransport(registry, transport)),
    log,
    metrics: controllerMetrics,
    ...(options.maxConcurrentOfflines === undefined ? {} : { maxConcurrentOfflines: options.maxConcurrentOfflines }),
  });
  const lastCalls = new LastCalls({ write: lastCallWriter(kubeConfig), log });
  const creating = createOperatorWorkers({
    ...options,
    ...{ cluster, instance, temporal, kubernetes, starter, plugins, interceptors, controllerMetrics },
    isNodeKnown: watch.isNodeKnown,
    settledStatus: (block) => controller.settledStatus(block),
    calls: [notifierMetrics, lastCalls],
  });
  const workers = await within(WORKERS_LIMIT_MS, 'create the workers; Temporal answered before, start again', creating);
  log.info('operator is ready to work', { cluster, plugins: registry.plugins.map(({ name }) => name) });

  const probe = addChecks(readiness, watch, temporal, workers);
  const control = startControl({ client: temporal.client, cluster, watch, controller, log });
  const working = workers.map(runWorker);
  readiness.started();
  try {
    await untilEnd(options, control.started, working);
  } finally {
    probe.stop();
    await closeInOrder(log, {
      control: () => control.stop(),
      // Until then the connection is in use.
      workers: () => Promise.all(working.map((worker) => worker.shutDown())),
      'last calls': () => lastCalls.close(),
      plugins: () => plugins.close(),
      'connection to Temporal': () => temporal.close(),
    });
  }
}

function createMetrics(
  registry: Registry,
  caches: Caches,
): { readonly controllerMetrics: ControllerMetrics; readonly notifierMetrics: NotifierCalls } {
  createObjectMetrics(registry, caches);
  return {
    controllerMetrics: createControllerMetrics(registry),
    notifierMetrics: createNotifierMetrics(registry, (notifier) => caches.notifiers.get(notifier) !== undefined),
  };
}

function addChecks(
  readiness: Readiness,
  watch: ClusterWatch,
  temporal: TemporalConnections,
  [operations, locks]: readonly [operations: Worker, locks: Worker],
): TemporalProbe {
  const probe = probeTemporal(temporal);
  watch.addChecks(readiness);
  readiness.add('Temporal', probe.check);
  readiness.add('worker of operations', probe.watch(operations));
  readiness.add('worker of locks', probe.watch(locks));
  return probe;
}

interface ControlParts extends Pick<KeepLockServicesOptions, 'client' | 'cluster' | 'log'> {
  readonly watch: ClusterWatch;
  readonly controller: Controller;
}

/** What decides, as opposed to what works: begins once the copies of the cluster are complete. */
function startControl({ watch, controller, ...parts }: ControlParts): {
  started: Promise<void>;
  stop(): Promise<void>;
} {
  const stopping = new AbortController();
  let kept: Promise<void> | undefined;
  const start = async (): Promise<void> => {
    await watch.follow(controller);
    controller.start();
    kept = keepLockServices({ ...parts, isNodeKnown: watch.isNodeKnown, signal: stopping.signal });
  };
  return {
    started: start(),
    stop() {
      stopping.abort();
      return closeInOrder(parts.log, {
        'lock services': () => kept ?? Promise.resolve(),
        controller: () => controller.stop(),
        watches: () => watch.stop(),
      });
    },
  };
}

/** Resolves when the operator was asked to end; rejects when it cannot go on, and tells `fail` of it first. */
async function untilEnd(
  { signal, fail }: Pick<OperatorOptions, 'signal' | 'fail'>,
  started: Promise<void>,
  working: readonly RunningWorker[],
): Promise<void> {
  const aborted = new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', resolve, { once: true });
  });
  const ended = working.map((worker) => worker.ended);
  try {
    await Promise.race([started.then(() => aborted), aborted, Promise.all(ended)]);
  } catch (error) {
    fail(error);
    throw error;
  }
}
