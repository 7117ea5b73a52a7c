import assert from 'node:assert/strict';
import { Counter, Registry } from 'prom-client';
import { parseListenAddress, serveMetrics, type MetricsServer } from '../../src/operator/metrics-server.ts';

describe('parseListenAddress', () => {
  it('takes what Go programs take', () => {
    assert.deepEqual(parseListenAddress(':8080'), { port: 8080 });
    assert.deepEqual(parseListenAddress('127.0.0.1:0'), { host: '127.0.0.1', port: 0 });
    assert.deepEqual(parseListenAddress('[::1]:8080'), { host: '::1', port: 8080 });
  });

  it('takes 0 for: do not serve', () => assert.equal(parseListenAddress('0'), undefined));

  for (const wrong of ['', '8080', 'localhost', ':http', ':65536', '::1:8080']) {
    it(`refuses "${wrong}" and says what it wants`, () =>
      assert.throws(() => parseListenAddress(wrong), /expected are HOST:PORT, :PORT, or 0/));
  }
});

describe('serveMetrics', () => {
  let registry: Registry;
  let server: MetricsServer;

  beforeEach(async () => {
    registry = new Registry();
    new Counter({ name: 'answers_total', help: 'For this test.', registers: [registry] }).inc(42);
    server = await serveMetrics(registry, { host: '127.0.0.1', port: 0 });
  });
  afterEach(() => server.close());

  it('answers GET /metrics in the text format of Prometheus', async () => {
    const response = await fetch(server.url);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    assert.match(await response.text(), /^answers_total 42$/m);
  });

  it('answers nothing else', async () => {
    assert.equal((await fetch(new URL('/', server.url))).status, 404);
    assert.equal((await fetch(server.url, { method: 'POST' })).status, 405);
  });

  it('says what to do when the port is taken', async () => {
    const { port } = new URL(server.url);
    const address = { host: '127.0.0.1', port: Number(port) };
    await assert.rejects(serveMetrics(registry, address), /another process listens there.*--metrics-address/);
  });
});
