/** `GET /metrics` for Prometheus. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import type { Log } from '../controller/cluster.ts';

/** Where to listen. Without `host`: on all addresses. Port 0: any free one. */
export interface ListenAddress {
  readonly host?: string;
  readonly port: number;
}

export interface MetricsServer {
  /** `http://127.0.0.1:8080/metrics` */
  readonly url: string;
  close(): Promise<void>;
}

const PORT_MAX = 65_535;

/** `:8080`, `127.0.0.1:8080` or `[::1]:8080`; undefined for `0`: no server. Throws an Error that says what is expected. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  if (text === '0') return undefined;
  const { host, bracketed, digits } =
    /^(?:\[(?<bracketed>[^\]]+)\]|(?<host>[^:]*)):(?<digits>\d+)$/.exec(text)?.groups ?? {};
  const port = Number(digits);
  if (digits === undefined || port > PORT_MAX) {
    throw new Error(`"${text}" is no address to listen on; expected are HOST:PORT, :PORT, or 0 for none`);
  }
  const name = bracketed ?? host ?? '';
  return name === '' ? { port } : { host: name, port };
}

/** Runs `work`, and serves the metrics that it registers meanwhile; without `address` they are kept and not served. */
export async function whileServingMetrics(
  address: ListenAddress | undefined,
  log: Log,
  work: (registry: Registry) => Promise<void>,
): Promise<void> {
  const registry = new Registry();
  const server = address && (await serveMetrics(registry, address));
  if (server) log.info('serving metrics', { url: server.url });
  try {
    await work(registry);
  } finally {
    await server?.close();
  }
}

/** Resolves when it listens. Throws an Error that says what to do when the port is not to be had. */
export async function serveMetrics(registry: Registry, { host, port }: ListenAddress): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    answer(registry, request, response).catch((error: unknown) => {
      response.writeHead(500).end(`${String(error)}\n`);
    });
  });
  server.listen({ port, ...(host === undefined ? {} : { host }) });
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const where = `${host ?? ''}:${String(port)}`;
    const why = code === 'EADDRINUSE' ? 'another process listens there' : message;
    throw new Error(
      `metrics cannot be served on ${where}: ${why}. Choose another address with --metrics-address, or 0 for no metrics.`,
      { cause: error },
    );
  }
  return {
    url: urlOf(server.address() as AddressInfo, host),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      // Prometheus keeps its connection open between scrapes.
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  registry: Registry,
  { method, url = '' }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (url.split('?', 1)[0] !== '/metrics') {
    response.writeHead(404).end('only /metrics is served here\n');
  } else if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
  } else {
    const metrics = await registry.metrics();
    response.writeHead(200, { 'content-type': registry.contentType }).end(metrics);
  }
}

function urlOf({ address, family, port }: AddressInfo, host: string | undefined): string {
  const reachable = host === undefined ? 'localhost' : family === 'IPv6' ? `[${address}]` : address;
  return `http://${reachable}:${String(port)}/metrics`;
}
