/** What a process tells over HTTP: `/metrics` for Prometheus, `/healthz` and `/readyz` for the kubelet. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { urlOf, type ListenAddress } from './listen-address.ts';
import type { Readiness } from './readiness.ts';

export interface ProcessServerOptions {
  readonly address: ListenAddress;
  /** The whole answer to a scrape, in Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  readonly readiness: Readiness;
  /** What a restart would cure; undefined while there is nothing. */
  readonly fatal: () => string | undefined;
}

export interface ProcessServer {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** How exact `since` is of a check that nobody asks for. */
const LOOK_MS = 1_000;

/** Resolves when it listens. Throws an Error that says what to do when the port is not to be had. */
export async function serveProcess(options: ProcessServerOptions): Promise<ProcessServer> {
  const { host, port } = options.address;
  const routes = routesOf(options);
  const server = createServer((request, response) => void respond(routes, request, response));
  server.listen({ port, ...(host === undefined ? {} : { host }) });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw cannotListen(options.address, error as NodeJS.ErrnoException);
  }
  const looking = setInterval(() => options.readiness.report(), LOOK_MS).unref();
  return {
    url: urlOf(server.address() as AddressInfo, host),
    close: async () => {
      clearInterval(looking);
      const closed = once(server, 'close');
      server.close();
      // Prometheus keeps its connection open between scrapes.
      server.closeAllConnections();
      await closed;
    },
  };
}

type Routes = Readonly<Record<string, () => Answer | Promise<Answer>>>;

function routesOf({ metrics, readiness, fatal }: ProcessServerOptions): Routes {
  const startTime = new Date().toISOString();
  return {
    '/metrics': async () => ({ status: 200, contentType: METRICS_TYPE, body: await metrics() }),
    // That it answers is the check: the event loop runs.
    '/healthz': () => {
      const why = fatal();
      return json(why === undefined ? 200 : 503, { ok: why === undefined, message: why ?? 'alive', since: startTime });
    },
    '/readyz': () => {
      const report = readiness.report();
      return json(report.ready ? 200 : 503, report);
    },
  };
}

async function respond(routes: Routes, { method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = ''] = url.split('?', 1);
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (!route) {
    response.writeHead(404).end(`only ${Object.keys(routes).join(', ')} are served here\n`);
  } else if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
  } else {
    try {
      const { status, contentType, body } = await route();
      response.writeHead(status, { 'content-type': contentType }).end(body);
    } catch (error) {
      response.writeHead(500).end(`${String(error)}\n`);
    }
  }
}

function json(status: number, body: object): Answer {
  return { status, contentType: 'application/json', body: `${JSON.stringify(body, undefined, 2)}\n` };
}

function cannotListen({ host = '', port }: ListenAddress, error: NodeJS.ErrnoException): Error {
  const why = error.code === 'EADDRINUSE' ? 'another process listens there' : error.message;
  return new Error(
    `metrics cannot be served on ${host}:${String(port)}: ${why}. Choose another address with --metrics-address, or 0 for none.`,
    { cause: error },
  );
}
