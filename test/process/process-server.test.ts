import assert from 'node:assert/strict';
import { serveProcess, type ProcessServer } from '../../src/process/process-server.ts';
import { Readiness, type ReadinessReport } from '../../src/process/readiness.ts';

const ADDRESS = { host: '127.0.0.1', port: 0 };

describe('the server of a process', () => {
  let readiness: Readiness;
  let fatal: string | undefined;
  let metrics: () => Promise<string>;
  let server: ProcessServer;

  beforeEach(async () => {
    readiness = new Readiness();
    fatal = undefined;
    metrics = () => Promise.resolve('answers_total 42\n');
    server = await serveProcess({ address: ADDRESS, metrics: () => metrics(), readiness, fatal: () => fatal });
  });
  afterEach(() => server.close());

  const get = (path: string, method = 'GET') => fetch(new URL(path, server.url), { method });

  it('answers a scrape in the text format of Prometheus', async () => {
    const response = await get('/metrics?x=1');
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    assert.equal(await response.text(), 'answers_total 42\n');
  });

  it('answers a scrape that fails with an error, and lives on', async () => {
    metrics = () => Promise.reject(new Error('no figures'));
    assert.equal((await get('/metrics')).status, 500);
    assert.equal((await get('/healthz')).status, 200);
  });

  it('is alive whatever the checks say, until something has happened that a restart would cure', async () => {
    readiness.add('server', () => ({ ok: false, message: 'away' }));
    assert.equal((await get('/healthz')).status, 200);
    fatal = 'a worker has died';
    const response = await get('/healthz');
    assert.equal(response.status, 503);
    assert.match(await response.text(), /a worker has died/);
  });

  it('is ready as the checks say, and names each', async () => {
    assert.equal((await get('/readyz')).status, 503);
    readiness.started();
    assert.equal((await get('/readyz')).status, 200);
    readiness.add('server', () => ({ ok: false, message: 'away' }));
    const response = await get('/readyz');
    assert.equal(response.status, 503);
    const { ready, checks } = (await response.json()) as ReadinessReport;
    assert.equal(ready, false);
    assert.deepEqual(
      checks.map(({ name, ok, message }) => [name, ok, message]),
      [
        ['process', true, 'running'],
        ['server', false, 'away'],
      ],
    );
  });

  it('answers nothing else, and HEAD as GET', async () => {
    assert.equal((await get('/')).status, 404);
    assert.equal((await get('/toString')).status, 404);
    assert.equal((await get('/metrics', 'POST')).status, 405);
    assert.equal((await get('/healthz', 'HEAD')).status, 200);
  });

  it('says what to do when the port is taken', async () => {
    const address = { ...ADDRESS, port: Number(new URL(server.url).port) };
    await assert.rejects(
      serveProcess({ address, metrics, readiness, fatal: () => undefined }),
      /another process listens there.*--metrics-address/,
    );
  });
});
