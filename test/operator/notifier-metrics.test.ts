import assert from 'node:assert/strict';
import { Registry } from 'prom-client';
import type { NotifierCall, NotifierCalls } from '../../src/contract/notifier-calls.ts';
import { createNotifierMetrics } from '../../src/operator/notifier-metrics.ts';

const CALL: NotifierCall = {
  name: 'guard',
  action: 'MEM_GOING_OFFLINE',
  result: 'NOTIFY_OK',
  node: 'worker-1',
  blockId: 32,
  durationMs: 20,
};

describe('metrics of notifier calls', () => {
  let registry: Registry;
  let registered: Set<string>;
  let metrics: NotifierCalls;

  beforeEach(() => {
    registry = new Registry();
    registered = new Set(['guard', 'window']);
    metrics = createNotifierMetrics(registry, (name) => registered.has(name));
  });

  /** Series of a metric, as Prometheus reads them. */
  async function series(name: string): Promise<string[]> {
    const lines = (await registry.metrics()).split('\n');
    return lines.filter((line) => line.startsWith(`${name}{`));
  }

  it('count calls by MemoryNotifier, action and result', async () => {
    metrics.called(CALL);
    metrics.called(CALL);
    metrics.called({ ...CALL, result: 'Error' });
    metrics.called({ ...CALL, name: 'window', action: 'MEM_CANCEL_OFFLINE' });
    assert.deepEqual(await series('memhp_notifier_calls_total'), [
      'memhp_notifier_calls_total{plugin="guard",action="MEM_GOING_OFFLINE",result="NOTIFY_OK"} 2',
      'memhp_notifier_calls_total{plugin="guard",action="MEM_GOING_OFFLINE",result="Error"} 1',
      'memhp_notifier_calls_total{plugin="window",action="MEM_CANCEL_OFFLINE",result="NOTIFY_OK"} 1',
    ]);
  });

  it('tell seconds, whatever was answered', async () => {
    metrics.called(CALL);
    metrics.called({ ...CALL, result: 'Error', durationMs: 30_000 });
    const labels = '{plugin="guard",action="MEM_GOING_OFFLINE"}';
    assert.deepEqual(await series('memhp_notifier_call_duration_seconds_sum'), [
      `memhp_notifier_call_duration_seconds_sum${labels} 30.02`,
    ]);
    const buckets = await series('memhp_notifier_call_duration_seconds_bucket');
    const below = (limit: string): string | undefined => buckets.find((line) => line.includes(`le="${limit}"`));
    assert.match(below('0.01') ?? '', / 0$/);
    assert.match(below('0.025') ?? '', / 1$/);
    assert.match(below('30') ?? '', / 2$/, 'a call that took all of its time is in the last bucket');
  });

  it('forget a notifier that was deleted, and only that', async () => {
    metrics.called(CALL);
    metrics.called({ ...CALL, action: 'MEM_ONLINE', result: 'Error' });
    metrics.called({ ...CALL, name: 'window' });
    registered.delete('guard');
    const text = await registry.metrics();
    assert.ok(!text.includes('guard'), text);
    assert.match(text, /plugin="window"/);
  });

  it('count a notifier from nothing that was deleted and registered again', async () => {
    metrics.called(CALL);
    registered.delete('guard');
    await registry.metrics();
    registered.add('guard');
    metrics.called(CALL);
    assert.match((await series('memhp_notifier_calls_total')).join(), /^\S+ 1$/);
  });

  it('do not keep a late call of a notifier that is gone', async () => {
    registered.delete('guard');
    metrics.called(CALL);
    assert.deepEqual(await series('memhp_notifier_calls_total'), []);
    assert.deepEqual(await series('memhp_notifier_call_duration_seconds_count'), []);
  });

  it('hold one notifier more than are registered, though nobody ever scrapes them', async () => {
    for (let i = 0; i < 100; i++) metrics.called({ ...CALL, name: `short-lived-${String(i)}` });
    registered = new Set(Array.from({ length: 100 }, (_, i) => `short-lived-${String(i)}`));
    assert.equal((await series('memhp_notifier_calls_total')).length, 1);
  });
});
