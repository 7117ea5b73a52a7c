/** The operator's workers, with everything that their workflows and activities need. */
import type { KubeConfig } from '@kubernetes/client-node';
import type { Worker, WorkerOptions } from '@temporalio/worker';
import type { Registry } from 'prom-client';
import type winston from 'winston';
import { OPERATOR_FIELD_MANAGER } from '../contract/names.ts';
import type { NotifierCalls } from '../contract/notifier-calls.ts';
import type { MemoryNotifier } from '../contract/resources.ts';
import type { Cluster } from '../controller/cluster.ts';
import type { Controller } from '../controller/controller.ts';
import type { ControllerMetrics } from '../controller/controller-metrics.ts';
import { ResourceClient } from '../k8s/resource-client.ts';
import { MEMORY_NOTIFIERS } from '../k8s/resource-kind.ts';
import type { PluginHost } from '../plugins/in-process/plugin-host.ts';
import { callWebhook } from '../plugins/webhook/call-webhook.ts';
import type { TemporalConnections } from '../temporal/connect-temporal.ts';
import { createLockActivities } from '../temporal/lock-activities.ts';
import { createPermitActivities } from '../temporal/permit-activities.ts';
import type { TemporalOperationStarter } from '../temporal/temporal-operation-starter.ts';
import { createWorkers } from '../temporal/workers.ts';
import { workflowBundle } from '../temporal/workflow-bundle.ts';
import { createCallSinks } from './call-sinks.ts';
import { createExplainActivities } from './explain-activities.ts';
import { createLockEvents } from './lock-events.ts';
import { createLockSinks } from './lock-metrics.ts';
import { createLockServiceActivities } from './lock-service-activities.ts';
import { createOperationActivities } from './operation-activities.ts';
import { createPermitServiceActivities } from './permit-service-activities.ts';

export interface OperatorWorkersOptions {
  readonly kubeConfig: KubeConfig;
  readonly log: winston.Logger;
  /** Where the metrics of this process are registered. */
  readonly metrics: Registry;
  readonly controllerMetrics: ControllerMetrics;
  /** How many offlines may be under way in the fleet; unset: any number. */
  readonly maxConcurrentOfflines?: number;
  readonly cluster: string;
  /** Which of several operators this is. */
  readonly instance: string;
  readonly temporal: TemporalConnections;
  readonly kubernetes: Cluster;
  readonly starter: TemporalOperationStarter;
  readonly plugins: PluginHost;
  /** Whether there is a NodeMemory of that name. */
  readonly isNodeKnown: (node: string) => boolean;
  readonly settledStatus: Controller['settledStatus'];
  /** Who is told of each call of a notifier. */
  readonly calls: readonly NotifierCalls[];
  readonly interceptors: NonNullable<WorkerOptions['interceptors']>;
}

export async function createOperatorWorkers(
  options: OperatorWorkersOptions,
): Promise<readonly [operations: Worker, locks: Worker]> {
  const { kubeConfig, log, cluster, instance, temporal, kubernetes, starter, plugins, interceptors } = options;
  const { maxConcurrentOfflines } = options;
  const { client } = temporal;
  const notifiers = new ResourceClient<MemoryNotifier>(kubeConfig, MEMORY_NOTIFIERS, OPERATOR_FIELD_MANAGER);
  const facts = { cluster: kubernetes, listNotifiers: () => notifiers.list(), clusterId: cluster };
  return createWorkers({
    connection: temporal.native,
    namespace: temporal.namespace,
    cluster,
    workflowBundle: await workflowBundle(),
    operationActivities: createOperationActivities({
      ...facts,
      askPlugin: (notifier, event) => plugins.call(notifier, event),
      askWebhook: (notifier, event) => callWebhook(notifier, event),
      describeRun: (workflowId, runId) => starter.describe(workflowId, runId),
      settledStatus: options.settledStatus,
      metrics: options.controllerMetrics,
    }),
    lockActivities: createLockActivities(client),
    explainActivities: createExplainActivities({
      ...facts,
      ...(maxConcurrentOfflines === undefined ? {} : { maxConcurrentOfflines }),
    }),
    permits: { requests: createPermitActivities(client), service: createPermitServiceActivities(client) },
    lockServiceActivities: createLockServiceActivities({
      kubeConfig,
      client,
      cluster: kubernetes,
      events: createLockEvents({ kubeConfig, instance, log }),
    }),
    sinks: { ...createLockSinks(options.metrics, options), ...createCallSinks(options.calls) },
    interceptors,
  });
}
