/** The workers of one of the benchmark's clusters: ours as the operator runs them, with the other variants beside. */
import type { Client } from '@temporalio/client';
import { Worker, type NativeConnection } from '@temporalio/worker';
import { Registry } from 'prom-client';
import { locksTaskQueue, operationsTaskQueue } from '../../src/contract/names.ts';
import { SILENT_SINKS } from '../../src/temporal/workers.ts';
import { createLockSinks } from '../../src/operator/lock-metrics.ts';
import { createLockActivities } from '../../src/temporal/lock-activities.ts';
import { bundleWorkflows } from '../../src/temporal/workflow-bundle.ts';
import { lockServiceStandIn } from './lock-service-stand-in.ts';
import { MUTEX_REQUESTED_SIGNAL, type MutexActivities, type MutexRequest } from './workflows/messages.ts';
import type { mutex } from './workflows/mutex.ts';

export interface LockWorkersOptions {
  readonly client: Client;
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly cluster: string;
  /** How requests for locks are sent: see `createLockActivities`. */
  readonly byUpdate: boolean;
  readonly code: string;
}

export interface LockWorkers {
  /** Lets the running tasks end. */
  stop(): Promise<void>;
}

/** Takes some 3 s. */
export function bundleLockWorkflows(): Promise<{ code: string }> {
  return bundleWorkflows(`${import.meta.dirname}/workflows/bundle.ts`);
}

export async function startLockWorkers(options: LockWorkersOptions): Promise<LockWorkers> {
  const { client, connection, namespace, cluster, byUpdate, code } = options;
  const shared = { connection, namespace, workflowBundle: { code } };
  const activities = {
    ...createLockActivities(client, { byUpdate }),
    ...createMutexActivities(client, locksTaskQueue(cluster)),
  };
  const workers = await Promise.all([
    Worker.create({ ...shared, taskQueue: operationsTaskQueue(cluster), activities }),
    Worker.create({
      ...shared,
      taskQueue: locksTaskQueue(cluster),
      activities: { ...lockServiceStandIn(client) },
      sinks: { ...SILENT_SINKS, ...createLockSinks(new Registry()) },
    }),
  ]);
  const runs = workers.map((worker) => worker.run());
  return {
    stop: async () => {
      for (const worker of workers) worker.shutdown();
      await Promise.all(runs);
    },
  };
}

function createMutexActivities(client: Client, taskQueue: string): MutexActivities {
  return {
    requestMutex: async ({ mutexId, request }) => {
      await client.workflow.signalWithStart<typeof mutex, [MutexRequest]>('mutex', {
        workflowId: mutexId,
        taskQueue,
        args: [],
        signal: MUTEX_REQUESTED_SIGNAL,
        signalArgs: [request],
      });
    },
  };
}
