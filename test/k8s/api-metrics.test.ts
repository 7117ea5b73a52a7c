import assert from 'node:assert/strict';
import type { KubeConfig } from '@kubernetes/client-node';
import { Registry } from 'prom-client';
import { createApiMetrics } from '../../src/k8s/api-metrics.ts';
import { observeApi } from '../../src/k8s/api-observer.ts';
import { apiRequest } from '../../src/k8s/api-request.ts';
import { SelfHealingInformer } from '../../src/k8s/self-healing-informer.ts';
import { eventually } from '../support/eventually.ts';
import { FakeApiServer, type FakeObject } from '../support/fake-api-server.ts';

const KIND = { apiVersion: 'v1', kind: 'Thing', path: '/apis/example.test/v1/things' };
const SOON = { limitMs: 4_000, everyMs: 5 };

describe('metrics of requests to the API server', () => {
  let server: FakeApiServer;
  let kubeConfig: KubeConfig;
  let host: string;
  let registry: Registry;

  beforeEach(async () => {
    server = new FakeApiServer();
    kubeConfig = await server.listen();
    host = new URL(kubeConfig.getCurrentCluster()?.server ?? '').host;
    registry = new Registry();
    observeApi(kubeConfig, createApiMetrics(registry));
  });
  afterEach(() => server.close());

  async function valueOf(series: string): Promise<number> {
    const lines = (await registry.metrics()).split('\n');
    return Number(lines.find((line) => line.startsWith(`${series} `))?.split(' ')[1] ?? 0);
  }
  const requests = (code: string): Promise<number> =>
    valueOf(`rest_client_requests_total{code="${code}",method="GET",host="${host}"}`);
  const list = (): Promise<unknown> => apiRequest(kubeConfig, { method: 'GET', path: KIND.path });

  it('count answers by their code, and silence as an error', async () => {
    await list();
    await list();
    server.fail = 503;
    await assert.rejects(list());
    await server.close();
    await assert.rejects(list());
    assert.deepEqual([await requests('200'), await requests('503'), await requests('<error>')], [2, 1, 1]);
    assert.equal(await valueOf(`rest_client_request_duration_seconds_count{verb="GET",host="${host}"}`), 4);
    server = new FakeApiServer();
    await server.listen();
  });

  it('count each watch, and why it was begun again', async () => {
    const informer = new SelfHealingInformer<FakeObject>({ kubeConfig, kind: KIND, backoff: { baseMs: 1, maxMs: 5 } });
    const restarts = (reason: string): Promise<number> =>
      valueOf(`memhp_watch_restarts_total{kind="Thing",reason="${reason}"}`);
    const watching = (): Promise<unknown> => eventually('a watch is open', () => server.openWatches === 1, SOON);
    informer.start();
    await watching();
    assert.equal(await requests('200'), server.lists + server.watches);
    server.expireWatches();
    await eventually('it is counted', async () => (await restarts('expired')) === 1, SOON);
    await watching();
    server.fail = 500;
    server.dropWatches();
    await eventually('it is counted', async () => (await restarts('failed')) > 0, SOON);
    await informer.stop();
    const after = await requests('500');
    assert.ok(after > 0);
  });
});
