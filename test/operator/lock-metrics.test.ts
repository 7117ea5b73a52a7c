import assert from 'node:assert/strict';
import type { WorkflowInfo } from '@temporalio/workflow';
import { Registry } from 'prom-client';
import { createLockSinks } from '../../src/operator/lock-metrics.ts';

const MINUTE_MS = 60_000;

describe('metrics of the lock service', () => {
  const anyWorkflow = {} as WorkflowInfo;
  let registry: Registry;
  let nowMs: number;
  let deleted: Set<string>;
  let sinks: ReturnType<typeof createLockSinks>['lockMetrics'];

  beforeEach(() => {
    registry = new Registry();
    nowMs = 0;
    deleted = new Set();
    sinks = createLockSinks(registry, { nowMs: () => nowMs, isNodeKnown: (node) => !deleted.has(node) }).lockMetrics;
  });

  /** Series of a metric, as Prometheus reads them. */
  async function series(name: string): Promise<string[]> {
    const lines = (await registry.metrics()).split('\n');
    return lines.filter((line) => line.startsWith(`${name}{`));
  }

  it('count seconds, by lock and mode', async () => {
    void sinks.acquired.fn(anyWorkflow, 'mem_hotplug_lock', 'read', 30);
    void sinks.released.fn(anyWorkflow, 'device_lock', 'write', 90 * MINUTE_MS);
    assert.deepEqual(await series('memhp_lock_wait_seconds_sum'), [
      'memhp_lock_wait_seconds_sum{lock="mem_hotplug_lock",mode="read"} 0.03',
    ]);
    const holds = await series('memhp_lock_hold_seconds_bucket');
    const below = (limit: string): string | undefined => holds.find((line) => line.includes(`le="${limit}"`));
    assert.match(below('3600') ?? '', / 0$/);
    assert.match(below('14400') ?? '', / 1$/);
  });

  it('count reclaims by reason', async () => {
    void sinks.reclaimed.fn(anyWorkflow, 'closed');
    void sinks.reclaimed.fn(anyWorkflow, 'closed');
    assert.deepEqual(await series('memhp_lock_reclaims_total'), ['memhp_lock_reclaims_total{reason="closed"} 2']);
  });

  it('tell a queue that has become empty', async () => {
    void sinks.queueDepth.fn(anyWorkflow, 'worker-1', { device_hotplug_lock: 3 });
    void sinks.queueDepth.fn(anyWorkflow, 'worker-1', { mem_hotplug_lock: 1 });
    assert.deepEqual(await series('memhp_lock_queue_depth'), [
      'memhp_lock_queue_depth{node="worker-1",lock="device_hotplug_lock"} 0',
      'memhp_lock_queue_depth{node="worker-1",lock="mem_hotplug_lock"} 1',
    ]);
  });

  it('forget the queues of a node whose NodeMemory was deleted', async () => {
    for (const node of ['gone', 'here']) void sinks.queueDepth.fn(anyWorkflow, node, { device_hotplug_lock: 1 });
    deleted.add('gone');
    assert.deepEqual(await series('memhp_lock_queue_depth'), [
      'memhp_lock_queue_depth{node="here",lock="device_hotplug_lock"} 1',
    ]);
  });

  it('forget the queues of a node that was not heard of for more than two minutes, and only those', async () => {
    void sinks.queueDepth.fn(anyWorkflow, 'gone', { device_hotplug_lock: 3 });
    nowMs = MINUTE_MS;
    void sinks.queueDepth.fn(anyWorkflow, 'here', { device_hotplug_lock: 1 });
    nowMs = 2 * MINUTE_MS;
    assert.equal((await series('memhp_lock_queue_depth')).length, 2);
    nowMs += 1;
    assert.deepEqual(await series('memhp_lock_queue_depth'), [
      'memhp_lock_queue_depth{node="here",lock="device_hotplug_lock"} 1',
    ]);
  });
});
