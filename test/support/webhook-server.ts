/** A local HTTPS server in the place of a webhook plugin, as well-behaved as the test wants. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from 'node:tls';
import {
  NOTIFIER_API_VERSION,
  NOTIFY_REVIEW_KIND,
  type MemoryNotify,
  type NotifyReviewRequest,
} from '../../src/contract/notifier.ts';

export interface WebhookServer {
  readonly port: number;
  /** Connections that were accepted so far. */
  readonly accepted: number;
  /** Connections that are open now. */
  readonly open: number;
  close(): Promise<void>;
}

export interface SeenRequest {
  readonly review: NotifyReviewRequest;
  readonly message: IncomingMessage;
}

/** Answers each request by `respond`, once the whole request is there. */
export function serveHttps(
  tls: TlsOptions,
  respond: (request: SeenRequest, response: ServerResponse) => void,
  host?: string,
): Promise<WebhookServer> {
  const server = createHttpsServer({ keepAliveTimeout: 60_000, ...tls }, (message, response) => {
    let body = '';
    message.setEncoding('utf8').on('data', (text: string) => (body += text));
    message.on('end', () => {
      respond({ review: JSON.parse(body) as NotifyReviewRequest, message }, response);
    });
  });
  return listen(server, host);
}

/** Has `serve` say what it likes on each connection, once TLS is agreed. */
export function serveTls(tls: TlsOptions, serve: (socket: TLSSocket) => void): Promise<WebhookServer> {
  const server = createTlsServer(tls, (socket) => {
    socket.on('error', () => {
      // The other end hung up, as it should.
    });
    socket.resume(); // or else the end of the connection is never seen
    serve(socket);
  });
  return listen(server);
}

export async function listen(server: Server, host = '127.0.0.1'): Promise<WebhookServer> {
  const open = new Set<Socket>();
  let accepted = 0;
  server.on('connection', (socket: Socket) => {
    accepted++;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {
      // As above.
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
    get open() {
      return open.size;
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The text of a complete answer, with `given` on top. */
export function reviewText(answer: object, given: object = {}): string {
  return JSON.stringify({ apiVersion: NOTIFIER_API_VERSION, kind: NOTIFY_REVIEW_KIND, response: answer, ...given });
}

export function answerJson(response: ServerResponse, text: string): void {
  response.setHeader('Content-Type', 'application/json');
  response.end(text);
}

/** What a plugin that always agrees does. */
export function agree({ review }: SeenRequest, response: ServerResponse): void {
  answerJson(response, reviewText({ uid: review.request.uid, result: 'NOTIFY_OK' }));
}

/** The event's deadline, so many milliseconds from now. */
export function dueIn(ms: number): Pick<MemoryNotify, 'deadline'> {
  return { deadline: new Date(Date.now() + ms).toISOString() };
}
