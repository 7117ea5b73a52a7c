/** Wherever a server stops, the call ends at its deadline: it counts as timed out, and the connection is closed. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { NotifierReply } from '../../../src/contract/notifier.ts';
import { callWebhook } from '../../../src/plugins/webhook/call-webhook.ts';
import { createAuthority, type Authority, type ServerCertificate } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { memoryNotify, registeredNotifier } from '../../support/notifier-call.ts';
import { dueIn, listen, serveHttps, serveTls, type WebhookServer } from '../../support/webhook-server.ts';

/** A handshake has to fit, on a busy machine. */
const LIMIT_MS = 400;
/** Until which a call must have ended that the deadline ends. */
const LATEST_MS = 3_000;
const HEADERS = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';

describe('deadline of a webhook', () => {
  let authority: Authority;
  let tls: ServerCertificate;
  let server: WebhookServer | undefined;

  before(async () => {
    authority = await createAuthority('plugins');
    tls = await authority.issue('127.0.0.1');
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  function ask(event = dueIn(LIMIT_MS), timeoutMs = 10_000): Promise<NotifierReply> {
    const url = `https://127.0.0.1:${String(server?.port)}/`;
    const transport = { kind: 'webhook', url, caBundle: authority.pem } as const;
    return callWebhook(
      registeredNotifier({ name: 'x', config: {} }, { transport, timeoutMs }),
      memoryNotify({ ...event }),
    );
  }

  async function assertTimesOut(what: RegExp): Promise<void> {
    const startedMs = performance.now();
    const reply = await ask();
    const tookMs = performance.now() - startedMs;
    assert.ok(reply.kind === 'error' && reply.timedOut, JSON.stringify(reply));
    assert.match(reply.message, /^webhook 127\.0\.0\.1:\d+ timed out after 0\.4 s: /);
    assert.match(reply.message, what);
    assert.ok(tookMs > LIMIT_MS / 2 && tookMs < LATEST_MS, `took ${String(tookMs)} ms`);
    await eventually('the connection is closed', () => server?.open === 0);
  }

  /** Sends `piece` again and again: no limit on silence would ever end this. */
  function trickle(first: string, piece: string): Promise<WebhookServer> {
    return serveTls(tls, (socket) => {
      socket.write(first);
      const timer = setInterval(() => socket.write(piece), 20);
      socket.on('close', () => clearInterval(timer));
    });
  }

  it('ends the TLS handshake', async () => {
    server = await listen(createServer((socket) => socket.resume()));
    await assertTimesOut(/did not finish the TLS handshake; see whether it speaks TLS/);
  });

  it('ends the wait for an answer', async () => {
    server = await serveHttps(tls, () => {
      // Never answers.
    });
    await assertTimesOut(/did not begin to answer; have the plugin answer sooner, or raise spec\.timeoutSeconds/);
  });

  it('ends headers that trickle', async () => {
    server = await trickle('HTTP/1.1 200 OK\r\n', 'X-Wait: a while\r\n');
    await assertTimesOut(/did not begin to answer/);
  });

  it('ends an answer that was only announced', async () => {
    server = await serveTls(tls, (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n'));
    await assertTimesOut(/did not begin to answer/);
  });

  it('ends a body that does not come', async () => {
    server = await serveTls(tls, (socket) => socket.write(HEADERS));
    await assertTimesOut(/did not finish its answer/);
  });

  it('ends a body that trickles', async () => {
    server = await trickle(HEADERS, '1\r\n \r\n');
    await assertTimesOut(/did not finish its answer/);
  });

  it("is the notifier's own timeout where that ends first", async () => {
    server = await serveHttps(tls, () => {
      // Never answers.
    });
    const reply = await ask(dueIn(60_000), LIMIT_MS);
    assert.ok(reply.kind === 'error' && reply.timedOut);
    assert.match(reply.message, /timed out after 0\.4 s/);
  });

  for (const [what, deadline] of [
    ['that has passed', dueIn(-1).deadline],
    ['that is no time', 'soon'],
  ] as const) {
    it(`asks nobody with a deadline ${what}`, async () => {
      server = await serveHttps(tls, () => assert.fail('was asked'));
      const reply = await ask({ deadline });
      assert.ok(reply.kind === 'error' && reply.timedOut);
      assert.match(reply.message, /was not asked: the deadline has passed/);
      assert.equal(server.accepted, 0);
    });
  }
});
