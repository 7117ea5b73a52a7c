import assert from 'node:assert/strict';
import { Registry } from 'prom-client';
import type { ControllerMetrics, QueueState } from '../../src/controller/controller-metrics.ts';
import { createControllerMetrics } from '../../src/operator/controller-metrics.ts';

const LABELS = 'name="memoryblock",controller="memoryblock"';

describe('metrics of the controller', () => {
  let registry: Registry;
  let metrics: ControllerMetrics;
  let state: QueueState;

  beforeEach(() => {
    registry = new Registry();
    metrics = createControllerMetrics(registry);
    state = { depth: 0, runningMs: [] };
  });

  async function valueOf(series: string): Promise<string | undefined> {
    const lines = (await registry.metrics()).split('\n');
    return lines.find((line) => line.startsWith(`${series} `))?.slice(series.length + 1);
  }

  it('begin at 0, so that a rate over the first failure is seen', async () => {
    metrics.queue('memoryblock', 8, () => state);
    for (const result of ['success', 'error', 'requeue', 'requeue_after']) {
      assert.equal(
        await valueOf(`controller_runtime_reconcile_total{controller="memoryblock",result="${result}"}`),
        '0',
      );
    }
    assert.equal(await valueOf('controller_runtime_reconcile_errors_total{controller="memoryblock"}'), '0');
    assert.equal(await valueOf('controller_runtime_max_concurrent_reconciles{controller="memoryblock"}'), '8');
    assert.equal(await valueOf(`workqueue_adds_total{${LABELS}}`), '0');
    assert.equal(await valueOf(`workqueue_retries_total{${LABELS}}`), '0');
  });

  it('count what the queue tells, in seconds', async () => {
    const queue = metrics.queue('memoryblock', 8, () => state);
    queue.added();
    queue.added();
    queue.retried();
    queue.started(1_500);
    queue.ended('success', 250);
    queue.ended('error', 750);
    const expected = {
      [`workqueue_adds_total{${LABELS}}`]: 2,
      [`workqueue_retries_total{${LABELS}}`]: 1,
      [`workqueue_queue_duration_seconds_sum{${LABELS}}`]: 1.5,
      [`workqueue_work_duration_seconds_sum{${LABELS}}`]: 1,
      [`workqueue_work_duration_seconds_count{${LABELS}}`]: 2,
      'controller_runtime_reconcile_total{controller="memoryblock",result="success"}': 1,
      'controller_runtime_reconcile_total{controller="memoryblock",result="error"}': 1,
      'controller_runtime_reconcile_errors_total{controller="memoryblock"}': 1,
      'controller_runtime_reconcile_time_seconds_sum{controller="memoryblock"}': 1,
    };
    for (const [series, value] of Object.entries(expected)) assert.equal(await valueOf(series), String(value), series);
  });

  it('look at the queue when they are read', async () => {
    metrics.queue('memoryblock', 8, () => state);
    state = { depth: 3, runningMs: [2_000, 500] };
    assert.equal(await valueOf(`workqueue_depth{${LABELS}}`), '3');
    assert.equal(await valueOf(`workqueue_unfinished_work_seconds{${LABELS}}`), '2.5');
    assert.equal(await valueOf(`workqueue_longest_running_processor_seconds{${LABELS}}`), '2');
    assert.equal(await valueOf('controller_runtime_active_workers{controller="memoryblock"}'), '2');
    state = { depth: 0, runningMs: [] };
    assert.equal(await valueOf(`workqueue_longest_running_processor_seconds{${LABELS}}`), '0');
  });

  it('count operations, and measure those whose start is known', async () => {
    metrics.operationEnded('online', 'Succeeded', 1_200);
    metrics.operationEnded('online', 'Unknown', undefined);
    assert.equal(await valueOf('memhp_operations_total{type="online",result="Succeeded"}'), '1');
    assert.equal(await valueOf('memhp_operations_total{type="online",result="Unknown"}'), '1');
    assert.equal(await valueOf('memhp_operation_duration_seconds_count{type="online"}'), '1');
    assert.equal(await valueOf('memhp_operation_duration_seconds_sum{type="online"}'), '1.2');
  });
});
