/** Prometheus metrics of the controller: its queues and looks as controller-runtime names them, and its operations. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ControllerMetrics, QueueState } from '../controller/controller-metrics.ts';

/** In seconds, those of controller-runtime, of which every second one is left out. */
const LOOK_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.25, 1.75, 2.5, 4, 5, 7, 10, 20, 30, 60,
];
/** In seconds: factors of ten, as client-go has them, from where Node's clock can tell times apart. */
const QUEUE_BUCKETS = [0.001, 0.01, 0.1, 1, 10, 100, 1_000];
/** In seconds: an online takes a second, an offline for as long as pages migrate: a day at most. */
const OPERATION_BUCKETS = [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3_600, 14_400, 86_400];
/** `requeue`, which dashboards of controller-runtime ask for, happens nowhere here: a repeat always has its time. */
const RESULTS = ['success', 'error', 'requeue', 'requeue_after'];
const MS_PER_SECOND = 1000;

export function createControllerMetrics(registry: Registry): ControllerMetrics {
  const registers = [registry];
  const reconciles = reconcileMetrics(registry);
  const queues = queueMetrics(registry);
  const operations = new Counter({
    ...{ name: 'memhp_operations_total', help: 'Operations whose outcome was recorded, by type and result.' },
    ...{ labelNames: ['type', 'result'] as const, registers },
  });
  const durations = new Histogram({
    ...{
      name: 'memhp_operation_duration_seconds',
      help: 'From the start of an operation to the record of its outcome.',
    },
    ...{ labelNames: ['type'] as const, buckets: OPERATION_BUCKETS, registers },
  });
  return {
    queue(controller, concurrency, state) {
      const labels = { name: controller, controller };
      reconciles.begin(controller, concurrency, state);
      queues.begin(controller, state);
      return {
        added: () => {
          queues.adds.inc(labels);
        },
        retried: () => {
          queues.retries.inc(labels);
        },
        started: (waitedMs) => {
          queues.waits.observe(labels, seconds(waitedMs));
        },
        ended: (result, workedMs) => {
          queues.works.observe(labels, seconds(workedMs));
          reconciles.ended(controller, result, seconds(workedMs));
        },
      };
    },
    operationEnded(type, result, durationMs) {
      operations.inc({ type, result });
      if (durationMs !== undefined) durations.observe({ type }, seconds(durationMs));
    },
  };
}

type States = Map<string, () => QueueState>;

function reconcileMetrics(registry: Registry): {
  begin(controller: string, concurrency: number, state: () => QueueState): void;
  ended(controller: string, result: string, workedSeconds: number): void;
} {
  const registers = [registry];
  const labelNames = ['controller'] as const;
  const total = new Counter({
    ...{ name: 'controller_runtime_reconcile_total', help: 'Looks at objects, by controller and result.' },
    ...{ labelNames: ['controller', 'result'] as const, registers },
  });
  const errors = new Counter({
    ...{ name: 'controller_runtime_reconcile_errors_total', help: 'Looks at objects that failed, by controller.' },
    ...{ labelNames, registers },
  });
  const time = new Histogram({
    ...{ name: 'controller_runtime_reconcile_time_seconds', help: 'How long a look at an object took, by controller.' },
    ...{ labelNames, buckets: LOOK_BUCKETS, registers },
  });
  const maximum = new Gauge({
    ...{
      name: 'controller_runtime_max_concurrent_reconciles',
      help: 'How many objects may be looked at side by side.',
    },
    ...{ labelNames, registers },
  });
  const states: States = new Map();
  new Gauge({
    ...{
      name: 'controller_runtime_active_workers',
      help: 'How many objects are being looked at.',
      labelNames,
      registers,
    },
    collect() {
      for (const [controller, state] of states) this.set({ controller }, state().runningMs.length);
    },
  });
  return {
    begin(controller, concurrency, state) {
      states.set(controller, state);
      maximum.set({ controller }, concurrency);
      errors.inc({ controller }, 0);
      for (const result of RESULTS) total.inc({ controller, result }, 0);
    },
    ended(controller, result, workedSeconds) {
      total.inc({ controller, result });
      if (result === 'error') errors.inc({ controller });
      time.observe({ controller }, workedSeconds);
    },
  };
}

type QueueLabels = 'name' | 'controller';

function queueMetrics(registry: Registry): {
  readonly adds: Counter<QueueLabels>;
  readonly retries: Counter<QueueLabels>;
  readonly waits: Histogram<QueueLabels>;
  readonly works: Histogram<QueueLabels>;
  begin(controller: string, state: () => QueueState): void;
} {
  const labelNames = ['name', 'controller'] as const;
  const shared = { labelNames, registers: [registry] };
  const states: States = new Map();
  const gauge = (name: string, help: string, valueOf: (state: QueueState) => number): void => {
    new Gauge({
      ...{ name, help, ...shared },
      collect() {
        for (const [controller, state] of states) this.set({ name: controller, controller }, valueOf(state()));
      },
    });
  };
  gauge('workqueue_depth', 'How many keys wait in a queue.', ({ depth }) => depth);
  gauge('workqueue_unfinished_work_seconds', 'For how long all keys together that are processed have been.', (state) =>
    seconds(state.runningMs.reduce((sum, ms) => sum + ms, 0)),
  );
  gauge('workqueue_longest_running_processor_seconds', 'For how long the oldest key has been processed.', (state) =>
    seconds(Math.max(0, ...state.runningMs)),
  );
  const adds = new Counter({ name: 'workqueue_adds_total', help: 'Keys added to a queue.', ...shared });
  const retries = new Counter({ name: 'workqueue_retries_total', help: 'Keys to be added again later.', ...shared });
  const histogram = (name: string, help: string) => new Histogram({ name, help, buckets: QUEUE_BUCKETS, ...shared });
  return {
    adds,
    retries,
    waits: histogram('workqueue_queue_duration_seconds', 'How long a key waited in a queue.'),
    works: histogram('workqueue_work_duration_seconds', 'How long a key was processed.'),
    begin(controller, state) {
      states.set(controller, state);
      for (const counter of [adds, retries]) counter.inc({ name: controller, controller }, 0);
    },
  };
}

function seconds(ms: number): number {
  return ms / MS_PER_SECOND;
}
