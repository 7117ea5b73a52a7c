import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type winston from 'winston';
import { loggerBehind, scrapeSdk } from '../../src/temporal/install-runtime.ts';

describe("the metrics of Temporal's SDK", () => {
  let server: Server;
  let status: number;

  before(async () => {
    server = createServer((_, response) => response.writeHead(status).end('temporal_requests 1\n'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  after(() => server.close());

  const scrape = () => scrapeSdk(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}`);

  it('are what it tells', async () => {
    status = 200;
    assert.equal(await scrape(), 'temporal_requests 1\n');
  });

  it('are not an error page', async () => {
    status = 500;
    await assert.rejects(scrape(), /answered 500/);
  });
});

describe("the lines of Temporal's SDK", () => {
  it('keep their level, but that a worker has no workflows is no warning', () => {
    const lines: string[][] = [];
    const log = { isDebugEnabled: () => true, log: (...line: string[]) => lines.push(line.slice(0, 2)) };
    const logger = loggerBehind(log as unknown as winston.Logger);
    logger.warn('No workflows registered, not polling for workflow tasks');
    logger.warn('Worker is slow');
    assert.deepEqual(lines, [
      ['debug', 'No workflows registered, not polling for workflow tasks'],
      ['warn', 'Worker is slow'],
    ]);
  });
});
