import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import type { MemoryNotify, NotifierReply } from '../../../src/contract/notifier.ts';
import { callWebhook } from '../../../src/plugins/webhook/call-webhook.ts';
import { createAuthority, type Authority, type ServerCertificate } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { memoryNotify, registeredNotifier } from '../../support/notifier-call.ts';
import {
  agree,
  answerJson,
  reviewText,
  serveHttps,
  serveTls,
  type SeenRequest,
  type WebhookServer,
} from '../../support/webhook-server.ts';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const OK: NotifierReply = { kind: 'answer', answer: { result: 'NOTIFY_OK' } };
const HEADERS = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';

describe('asking a webhook', () => {
  let authority: Authority;
  let tls: ServerCertificate;
  let server: WebhookServer | undefined;

  before(async () => {
    authority = await createAuthority('plugins');
    tls = await authority.issue('localhost', '127.0.0.1', '::1');
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  function ask(event: Partial<MemoryNotify> = {}, host = '127.0.0.1'): Promise<NotifierReply> {
    assert.ok(server);
    const url = `https://${host}:${String(server.port)}/notify?team=a`;
    const transport = { kind: 'webhook', url, caBundle: authority.pem } as const;
    return callWebhook(registeredNotifier({ name: 'x', config: {} }, { transport }), memoryNotify(event));
  }

  async function errorOf(respond: (request: SeenRequest, response: ServerResponse) => void): Promise<string> {
    server = await serveHttps(tls, respond);
    return messageOf(await ask());
  }

  function messageOf(reply: NotifierReply): string {
    assert.ok(reply.kind === 'error', JSON.stringify(reply));
    assert.ok(!reply.timedOut);
    const prefix = `webhook 127.0.0.1:${String(server?.port)} `;
    assert.ok(reply.message.startsWith(prefix), reply.message);
    return reply.message.slice(prefix.length);
  }

  it('POSTs the event as a MemoryNotifyReview and takes the answer', async () => {
    const seen: SeenRequest[] = [];
    const answer = {
      result: 'NOTIFY_BAD',
      errno: 'EBUSY',
      reason: 'früh am Tag',
      retryAfterSeconds: 60,
      outlook: 'Deferred',
    };
    server = await serveHttps(tls, (request, response) => {
      seen.push(request);
      answerJson(response, reviewText({ uid: request.review.request.uid, ...answer }));
    });
    const event = memoryNotify({ tokens: { device_hotplug_lock: 3 }, dryRun: true });
    assert.deepEqual(await ask(event), { kind: 'answer', answer });
    const [{ review, message }] = seen as [SeenRequest];
    assert.deepEqual(review, {
      apiVersion: 'notifier.memoryhotplug.io/v1',
      kind: 'MemoryNotifyReview',
      request: event,
    });
    assert.deepEqual([message.method, message.url], ['POST', '/notify?team=a']);
    assert.equal(message.headers['content-type'], 'application/json');
    assert.equal(message.headers['user-agent'], `memory-hotplug-operator/${version}`);
    assert.equal(message.headers.authorization, undefined);
  });

  it('takes an answer that stands beside an echo of the request, has a charset, or comes in pieces', async () => {
    server = await serveHttps(tls, ({ review }, response) => {
      const text = reviewText({ uid: review.request.uid, result: 'NOTIFY_OK', reason: null }, review);
      response.setHeader('Content-Type', 'Application/JSON; charset=utf-8');
      for (const letter of text) response.write(letter);
      response.end();
    });
    assert.deepEqual(await ask(), OK);
  });

  it('reaches a server by IPv6', async function () {
    try {
      server = await serveHttps(tls, agree, '::1');
    } catch {
      this.skip();
    }
    assert.deepEqual(await ask({}, '[::1]'), OK);
  });

  for (const [status, advice] of [
    [201, /not 200; look at the plugin's log/],
    [302, /redirects are not followed: put the final address into spec.webhook/],
    [401, /sends no credentials/],
    [404, /correct the path in spec.webhook/],
    [500, /look at the plugin's log/],
    [503, /is not ready/],
  ] as const) {
    it(`takes status ${String(status)} for an error, and quotes nothing`, async () => {
      const message = await errorOf(({ review }, response) => {
        response.writeHead(status, { location: 'https://127.0.0.1:1/secret', 'content-type': 'application/json' });
        response.end(reviewText({ uid: review.request.uid, result: 'NOTIFY_OK', reason: 'secret' }));
      });
      assert.match(message, new RegExp(`^answered with status ${String(status)}, `));
      assert.match(message, advice);
      assert.doesNotMatch(message, /secret/);
    });
  }

  it('does not wait for the body of an error', async () => {
    const message = await errorOf((_, response) => {
      response.writeHead(500).write('and then');
    });
    assert.match(message, /^answered with status 500/);
    await eventually('the connection is closed', () => server?.open === 0);
  });

  it('does not follow a redirect', async () => {
    const other = await serveHttps(tls, agree);
    try {
      await errorOf((_, response) => {
        response.writeHead(307, { location: `https://127.0.0.1:${String(other.port)}/` }).end();
      });
      assert.equal(other.accepted, 0);
    } finally {
      await other.close();
    }
  });

  for (const [what, type, body, expected] of [
    ['HTML', 'text/html', '<p>secret', /^answered with text\/html; answer with Content-Type: application\/json$/],
    ['no type', undefined, '{}', /^answered with no Content-Type; /],
    ['no JSON', 'application/json', '{secret', /^answered with something other than a JSON object/],
    ['an empty body', 'application/json', '', /^answered with something other than a JSON object/],
    ['a list', 'application/json', '["secret"]', /^answered with something other than a JSON object/],
    ['another kind', 'application/json', '{"kind":"secret"}', /^answered nonsense: apiVersion must be notifier\./],
  ] as const) {
    it(`takes ${what} for an error, and quotes nothing`, async () => {
      const message = await errorOf((_, response) => {
        if (type !== undefined) response.setHeader('Content-Type', type);
        response.end(body);
      });
      assert.match(message, expected);
      assert.doesNotMatch(message, /secret/);
    });
  }

  it('takes an answer of 16 KiB, and not one byte more', async () => {
    for (const [length, expected] of [
      [16_384, OK],
      [16_385, undefined],
    ] as const) {
      server = await serveHttps(tls, ({ review }, response) => {
        answerJson(response, reviewText({ uid: review.request.uid, result: 'NOTIFY_OK' }).padEnd(length));
      });
      const reply = await ask();
      if (expected) assert.deepEqual(reply, expected);
      else assert.match(messageOf(reply), /^answered with more than 16384 bytes/);
      await server.close();
    }
  });

  it('reads no more of an endless answer than it may have', async () => {
    let sentBytes = 0;
    const message = await errorOf((_, response) => {
      response.setHeader('Content-Type', 'application/json');
      const send = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536))) sentBytes += 65_536;
      };
      response.on('drain', send);
      send();
    });
    assert.match(message, /^answered with more than 16384 bytes/);
    await eventually('the connection is closed', () => server?.open === 0);
    assert.ok(sentBytes < 50_000_000, String(sentBytes));
  });

  for (const [what, said, expected] of [
    ['closes without an answer', '', /^closed the connection without an answer/],
    ['closes in its headers', 'HTTP/1.1 200 OK\r\nContent-', /^closed the connection without an answer/],
    ['closes in its body', `${HEADERS}Content-Length: 500\r\n\r\n{"api`, /^closed .* in the middle of its answer/],
    ['closes between chunks', `${HEADERS}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n`, /in the middle of its answer/],
    ['closes a body of no length', `${HEADERS}Connection: close\r\n\r\n{"api`, /something other than a JSON object/],
    ['speaks another protocol', '220 mail.example ESMTP\r\n', /^does not answer in HTTP\/1\.1/],
    ['sends endless headers', `${HEADERS}X: ${'x'.repeat(20_000)}\r\n`, /more headers than 16 KiB/],
    [
      'switches protocols',
      'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n',
      /without an answer/,
    ],
  ] as const) {
    it(`answers with an error when the server ${what}`, async () => {
      server = await serveTls(tls, (socket) => socket.once('data', () => socket.end(said)));
      assert.match(messageOf(await ask()), expected);
    });
  }

  it('takes no answer to another call for its own', async () => {
    const earlier = memoryNotify({ uid: 'run-0/memory32/MEM_GOING_OFFLINE/here' });
    server = await serveHttps(tls, (_, response) => {
      answerJson(response, reviewText({ uid: earlier.uid, result: 'NOTIFY_OK' }));
    });
    assert.deepEqual(await ask(earlier), OK);
    assert.equal(
      messageOf(await ask()),
      `answered nonsense: response.uid must be that of the request, ${memoryNotify().uid}`,
    );
  });

  it('gives each of many calls at once its own answer', async () => {
    const waiting: (() => void)[] = [];
    server = await serveHttps(tls, ({ review }, response) => {
      const { uid, blockId } = review.request;
      waiting.push(() => answerJson(response, reviewText({ uid, result: 'NOTIFY_OK', reason: String(blockId) })));
      if (waiting.length === 10) for (const answer of waiting.reverse()) answer();
    });
    const blocks = Array.from({ length: 10 }, (_, at) => at);
    const replies = await Promise.all(blocks.map((blockId) => ask({ uid: `call-${String(blockId)}`, blockId })));
    assert.deepEqual(
      replies.map((reply) => reply.kind === 'answer' && reply.answer.reason),
      blocks.map(String),
    );
  });

  it('has a connection for each call and leaves none open, so that none can go stale', async () => {
    server = await serveHttps(tls, (request, response) => {
      response.shouldKeepAlive = true;
      agree(request, response);
    });
    const { accepted } = server;
    for (let call = 1; call <= 3; call++) {
      assert.deepEqual(await ask(), OK);
      assert.equal(server.accepted - accepted, call);
      await eventually('the connection is closed', () => server?.open === 0);
    }
  });

  it('refuses to ask what is no webhook', async () => {
    const event = memoryNotify();
    const invalid = registeredNotifier({ name: 'x', config: {} }, { transport: { kind: 'invalid', problem: 'why' } });
    assert.deepEqual(await callWebhook(invalid, event), { kind: 'error', message: 'why' });
    const plugin = registeredNotifier({ name: 'x', config: {} });
    assert.deepEqual(await callWebhook(plugin, event), { kind: 'error', message: 'x-here is not a webhook' });
  });
});
