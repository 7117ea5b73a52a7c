/** The operator's two workers. Lock entities have one of their own, so that no operation can starve them. */
import { Worker, type InjectedSinks, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import type { LockActivities, LockServiceActivities, OperationActivities } from '../contract/activities.ts';
import type { ExplainActivities } from '../contract/explain.ts';
import type { LockMetricsSinks } from '../contract/lock-metrics.ts';
import type { PermitActivities, PermitServiceActivities } from '../contract/offline-permits.ts';
import type { NotifierCallSinks } from '../contract/notifier-calls.ts';
import { locksTaskQueue, operationsTaskQueue } from '../contract/names.ts';
import { activityLogFields } from './activity-log-fields.ts';

/** What the lock entities tell, and who listens. */
export type LockSinks = InjectedSinks<LockMetricsSinks>;
/** What operations tell of the notifiers they ask, and who listens. */
export type CallSinks = InjectedSinks<NotifierCallSinks>;
export type WorkflowSinks = LockSinks & CallSinks;

export interface WorkersOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly cluster: string;
  readonly workflowBundle: { readonly codePath: string };
  readonly operationActivities: OperationActivities;
  readonly lockActivities: LockActivities;
  /** Unset: nobody here answers `memhp explain`. */
  readonly explainActivities?: ExplainActivities;
  readonly lockServiceActivities: LockServiceActivities;
  /** Unset: no offline here has a limit. */
  readonly permits?: { readonly requests: PermitActivities; readonly service: PermitServiceActivities };
  /** Of the workflows' metrics; unset: nobody measures. */
  readonly sinks?: WorkflowSinks;
  readonly interceptors?: NonNullable<WorkerOptions['interceptors']>;
}

/** After a worker died, its cached workflows wait so long for it before another takes them: also how long a lock hand-over can stall. */
const STICKY_MS = 2_000;
/** Otherwise heartbeats are held back for four fifths of the silence after which an operator counts as dead. */
const HEARTBEAT_THROTTLE_MS = 1_000;
/** For workers of whom nobody asks for metrics: a sink that is not there is logged as an error at each call. */
export const SILENT_SINKS: WorkflowSinks = {
  lockMetrics: {
    acquired: { fn: ignore },
    released: { fn: ignore },
    reclaimed: { fn: ignore },
    queueDepth: { fn: ignore },
  },
  notifierCalls: { called: { fn: ignore } },
};
const SHUTDOWN_GRACE_MS = 10_000;
/** A stuck activity must not keep the process: Temporal gives it to the next worker. */
const SHUTDOWN_FORCE_MS = 20_000;

export async function createWorkers(options: WorkersOptions): Promise<readonly [operations: Worker, locks: Worker]> {
  const { connection, namespace, cluster, workflowBundle, interceptors, sinks = SILENT_SINKS } = options;
  const shared = {
    connection,
    namespace,
    workflowBundle,
    sinks,
    stickyQueueScheduleToStartTimeout: STICKY_MS,
    shutdownGraceTime: SHUTDOWN_GRACE_MS,
    shutdownForceTime: SHUTDOWN_FORCE_MS,
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    interceptors: { ...interceptors, activity: [activityLogFields, ...(interceptors?.activity ?? [])] },
  } satisfies Partial<WorkerOptions>;
  return Promise.all([
    Worker.create({
      ...shared,
      taskQueue: operationsTaskQueue(cluster),
      activities: {
        ...options.operationActivities,
        ...options.lockActivities,
        ...options.explainActivities,
        ...options.permits?.requests,
      },
    }),
    Worker.create({
      ...shared,
      taskQueue: locksTaskQueue(cluster),
      activities: { ...options.lockServiceActivities, ...options.permits?.service },
    }),
  ]);
}

function ignore(): void {
  // Nobody measures.
}
