/** Serves one node: its driver behind its task queue, and its statuses. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { Worker, type NativeConnection } from '@temporalio/worker';
import type { Logger } from 'winston';
import { nodeTaskQueue } from '../contract/names.ts';
import { backoffMs } from '../controller/backoff.ts';
import { systemClock } from '../controller/clock.ts';
import type { Check, CheckResult } from '../process/readiness.ts';
import { activityLogFields } from '../temporal/activity-log-fields.ts';
import { runWorker } from '../temporal/run-worker.ts';
import type { TemporalProbe } from '../temporal/temporal-probe.ts';
import type { GatedMemoryDriver } from './gated-driver.ts';
import { createNodeActivities, type ActivitySurroundings } from './node-activities.ts';
import type { Verdict } from './node-view.ts';
import type { ReportStep } from './step-reports.ts';
import { StatusPublisher, type StatusWriter } from './status-publisher.ts';

export interface NodeAgentOptions {
  readonly node: string;
  readonly cluster: string;
  readonly driver: GatedMemoryDriver;
  readonly connection: NativeConnection;
  readonly namespace: string;
  /** Looks at the worker. */
  readonly probe: Pick<TemporalProbe, 'watch'>;
  /** Told when the worker has died: only another process can serve the node then. */
  readonly onFailure: (error: unknown) => void;
  readonly writer: StatusWriter;
  readonly logger: Logger;
  readonly reportStep?: ReportStep;
  /** As of StatusPublisherOptions. */
  readonly moreConditions?: () => Promise<readonly Verdict[]>;
}

/** Steps are short or heartbeat; one that outlives this is repeated by the next worker. */
const SHUTDOWN_GRACE_MS = 1_000;
const SHUTDOWN_FORCE_MS = 10_000;
const HEARTBEAT_THROTTLE_MS = 500;
const START_BACKOFF = { baseMs: 500, maxMs: 30_000 };
/** D and L(b) admit one operation per node, but a query, a late attempt and the fault mode come on top. */
const CONCURRENT_STEPS_MAX = 16;

export class NodeAgent {
  readonly publisher: StatusPublisher;
  readonly #options: NodeAgentOptions;
  readonly #stopping = new AbortController();
  readonly #whenStopping: Promise<unknown>;
  readonly #leaveDriver: () => void;
  readonly #serving: Promise<void>;
  /** Of the worker that was created last. */
  #checkWorker: Check | undefined;

  /** Starts to serve at once. */
  constructor(options: NodeAgentOptions) {
    const { driver } = options;
    this.#options = options;
    this.publisher = new StatusPublisher({ ...options, clock: systemClock });
    this.#leaveDriver = driver.onChange(() => {
      this.publisher.changed();
    });
    this.#whenStopping = once(this.#stopping.signal, 'abort');
    this.#serving = this.#serve();
  }

  /** Whether steps of this node are taken now. */
  check(): CheckResult {
    return this.#checkWorker?.() ?? { ok: false, message: 'its worker has not started' };
  }

  /**
   * Takes no more steps, gives those under way a second to end before it lets go of them, and says in the NodeMemory that
   * nobody serves it. The driver and its gate close when no step can come to them any more.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#serving;
    this.#leaveDriver();
    await this.#options.driver.close();
    await this.publisher.stop();
  }

  async #serve(): Promise<void> {
    const worker = await this.#startWorker();
    if (!worker) return;
    this.#checkWorker = this.#options.probe.watch(worker);
    const running = runWorker(worker);
    await Promise.race([running.ended, this.#whenStopping]).catch(this.#options.onFailure);
    await running.shutDown();
  }

  /** Tries until there is one; undefined when the agent is stopped first. */
  async #startWorker(): Promise<Worker | undefined> {
    const { node, logger } = this.#options;
    for (let failures = 0; !this.#isStopping();) {
      try {
        return await this.#createWorker();
      } catch (error) {
        const retryMs = backoffMs(START_BACKOFF, failures++);
        logger.error('worker of the node cannot be started; trying again', { node, retryMs, error });
        await delay(retryMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
    return undefined;
  }

  #createWorker(): Promise<Worker> {
    const { node, cluster, driver, connection, namespace, reportStep } = this.#options;
    return Worker.create({
      connection,
      namespace,
      taskQueue: nodeTaskQueue(cluster, node),
      activities: {
        ...createNodeActivities({
          driver,
          publish: (blockIds) => this.publisher.publish(blockIds),
          surroundings: temporalSurroundings,
          ...(reportStep ? { reportStep } : {}),
        }),
      },
      interceptors: { activity: [activityLogFields] },
      maxConcurrentActivityTaskExecutions: CONCURRENT_STEPS_MAX,
      // Otherwise heartbeats, and with them cancellations, are held back for most of the heartbeat timeout.
      maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
      shutdownGraceTime: SHUTDOWN_GRACE_MS,
      shutdownForceTime: SHUTDOWN_FORCE_MS,
    });
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }
}

function temporalSurroundings(): ActivitySurroundings {
  const context = Context.current();
  const { heartbeatTimeoutMs } = context.info;
  return {
    signal: context.cancellationSignal,
    isCancelRequested: () => context.cancellationDetails?.cancelRequested ?? false,
    heartbeat: (details) => {
      context.heartbeat(details);
    },
    ...(heartbeatTimeoutMs === undefined || heartbeatTimeoutMs === 0 ? {} : { heartbeatTimeoutMs }),
  };
}
