/** A name server that is silent about some names: nobody waits who did not ask for them, and nothing piles up. */
import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { NotifierReply } from '../../../src/contract/notifier.ts';
import { callWebhook } from '../../../src/plugins/webhook/call-webhook.ts';
import { LookupRefused, NameLookups } from '../../../src/plugins/webhook/name-lookups.ts';
import { createAuthority, type Authority } from '../../support/certificates.ts';
import { memoryNotify, registeredNotifier } from '../../support/notifier-call.ts';
import { agree, dueIn, serveHttps, type WebhookServer } from '../../support/webhook-server.ts';

const LOOKUPS_MAX = 8;
const HERE: LookupAddress = { address: '127.0.0.1', family: 4 };
const THERE: LookupAddress = { address: '127.0.0.2', family: 4 };
/** Of a call that waits for nobody, on a busy machine. A call for a name that hangs takes far longer. */
const AT_ONCE_MS = 1_000;
const GIVEN_UP_MS = 5_000;
const OK: NotifierReply = { kind: 'answer', answer: { result: 'NOTIFY_OK' } };

interface Asked {
  readonly name: string;
  readonly answer: (addresses: readonly LookupAddress[]) => void;
  readonly fail: (code: string) => void;
}

/** A name server that says nothing by itself. */
class NameServer {
  readonly asked: Asked[] = [];
  readonly names = new NameLookups(
    (name) =>
      new Promise((answer, reject) => {
        this.asked.push({ name, answer, fail: (code) => reject(Object.assign(new Error(code), { code })) });
      }),
    () => LOOKUPS_MAX,
  );

  look(name: string, signal = new AbortController().signal): Promise<readonly LookupAddress[]> {
    return this.names.addressesOf(name, signal);
  }

  get last(): Asked {
    return this.asked.at(-1)!;
  }

  /** Has a lookup come out, and what came of it for those who waited. */
  async settle(looked: Promise<unknown>, settle: (asked: Asked) => void): Promise<void> {
    settle(this.last);
    await looked.catch(() => undefined);
  }
}

function hung(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `hung-${String(index)}.example`);
}

describe('looking up names', () => {
  it('looks each name up anew, once for all who ask meanwhile', async () => {
    const server = new NameServer();
    const together = Promise.all([server.look('a'), server.look('a'), server.look('b')]);
    assert.deepEqual(
      server.asked.map(({ name }) => name),
      ['a', 'b'],
    );
    server.asked[0]!.answer([HERE, THERE]);
    server.asked[1]!.answer([THERE]);
    assert.deepEqual(await together, [[HERE, THERE], [HERE, THERE], [THERE]]);
    const again = server.look('a');
    await server.settle(again, ({ answer }) => answer([THERE]));
    assert.deepEqual(await again, [THERE]);
  });

  it('answers the addresses from before where a lookup hangs, until it comes out', async () => {
    const server = new NameServer();
    await server.settle(server.look('a'), ({ answer }) => answer([HERE]));
    assert.deepEqual(await server.look('a'), [HERE]);
    assert.deepEqual(await server.look('a'), [HERE]);
    assert.equal(server.asked.length, 2);
    const waiting = server.look('a');
    await server.settle(waiting, ({ answer }) => answer([THERE]));
    assert.deepEqual(await waiting, [THERE]);
  });

  it('does so where the name server cannot answer now, and not where it says that there is no such name', async () => {
    const server = new NameServer();
    await server.settle(server.look('a'), ({ answer }) => answer([HERE]));
    const refused = server.look('a');
    await server.settle(refused, ({ fail }) => fail('EAI_AGAIN'));
    assert.deepEqual(await refused, [HERE]);
    for (const code of ['ENOTFOUND', 'EAI_AGAIN']) {
      const looked = server.look('a');
      await server.settle(looked, ({ fail }) => fail(code));
      await assert.rejects(looked, { code });
    }
  });

  it('ends the wait of a call that is given up, and not the lookup', async () => {
    const server = new NameServer();
    const call = new AbortController();
    const given = server.look('a', call.signal);
    call.abort();
    await assert.rejects(given, { name: 'AbortError' });
    const next = server.look('a');
    assert.equal(server.asked.length, 1);
    await server.settle(next, ({ answer }) => answer([HERE]));
    assert.deepEqual(await next, [HERE]);
  });

  it('refuses further names at once when too many hang, and says which; known ones still have their addresses', async () => {
    const server = new NameServer();
    await server.settle(server.look('known'), ({ answer }) => answer([HERE]));
    const waiting = hung(LOOKUPS_MAX).map((name) => server.look(name));
    await assert.rejects(
      server.look('another'),
      (error) =>
        error instanceof LookupRefused &&
        error.message.includes('hung-0.example, hung-1.example, hung-2.example and 5 more; look at the name server'),
    );
    assert.deepEqual(await server.look('known'), [HERE]);
    assert.equal(server.asked.length, 1 + LOOKUPS_MAX);
    await server.settle(waiting.at(-1)!, ({ fail }) => fail('EAI_AGAIN'));
    const another = server.look('another');
    await server.settle(another, ({ answer }) => answer([THERE]));
    assert.deepEqual(await another, [THERE]);
  });

  it('remembers a limited number of names, those that were last looked up', async () => {
    const server = new NameServer();
    for (let index = 0; index < 1025; index++) {
      await server.settle(server.look(`name-${String(index)}`), ({ answer }) => answer([HERE]));
    }
    for (const [name, isKnown] of [
      ['name-0', false],
      ['name-1', true],
      ['name-1024', true],
    ] as const) {
      const looked = server.look(name);
      await server.settle(looked, ({ fail }) => fail('EAI_AGAIN'));
      assert.equal(await looked.then(Boolean, () => false), isKnown, name);
    }
  });

  it('keeps nothing of calls that were given up, while their lookup hangs on', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const server = new NameServer();
    const giveUp = async (times: number): Promise<void> => {
      for (let index = 0; index < times; index++) {
        const call = new AbortController();
        const given = server.look('a', call.signal);
        call.abort(new Error('x'.repeat(1000)));
        await given.catch(() => undefined);
      }
      collect();
    };
    await giveUp(1_000);
    const before = process.memoryUsage().heapUsed;
    await giveUp(10_000);
    const bytesEach = (process.memoryUsage().heapUsed - before) / 10_000;
    assert.ok(bytesEach < 100, `${String(bytesEach)} bytes of each call`);
    assert.equal(server.asked.length, 1);
  });
});

describe('webhooks beside others whose names hang', () => {
  let authority: Authority;
  let webhook: WebhookServer;
  let server: NameServer;

  before(async () => {
    authority = await createAuthority('plugins');
    webhook = await serveHttps(await authority.issue('healthy.example', '127.0.0.1'), agree);
  });
  after(() => webhook.close());
  beforeEach(() => (server = new NameServer()));

  function ask(host: string, limitMs = GIVEN_UP_MS): Promise<NotifierReply> {
    const url = `https://${host}:${String(webhook.port)}/`;
    const transport = { kind: 'webhook', url, caBundle: authority.pem } as const;
    const notifier = registeredNotifier({ name: host, config: {} }, { transport });
    return callWebhook(notifier, memoryNotify(dueIn(limitMs)), server.names);
  }

  /** By a name that its name server answers at once. */
  async function askHealthy(): Promise<void> {
    const startedMs = performance.now();
    const asked = ask('healthy.example');
    server.last.answer([HERE]);
    assert.deepEqual(await asked, OK);
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < AT_ONCE_MS, `took ${String(tookMs)} ms`);
  }

  it('are asked at once, while those are waited for and after they were given up', async () => {
    const limitMs = 300;
    const waiting = Promise.all(hung(LOOKUPS_MAX - 1).map((host) => ask(host, limitMs)));
    await askHealthy();
    for (const [index, reply] of (await waiting).entries()) {
      assert.ok(reply.kind === 'error' && reply.timedOut);
      const host = `hung-${String(index)}.example:${String(webhook.port)}`;
      const said = 'it has a name for which no answer came; look at the name server of where the operator runs';
      assert.equal(reply.message, `webhook ${host} timed out after 0.3 s: ${said}`);
    }
    await askHealthy();
    assert.equal(server.asked.length, LOOKUPS_MAX - 1 + 2, 'they still hang');
  });

  it('are asked without any lookup where the URL has the address', async () => {
    const waiting = hung(LOOKUPS_MAX).map((host) => ask(host, 100));
    assert.deepEqual(await ask('127.0.0.1'), OK);
    assert.equal(server.asked.length, LOOKUPS_MAX);
    await Promise.all(waiting);
  });

  it('are told in words which names hang when there are too many of those', async () => {
    const waiting = hung(LOOKUPS_MAX).map((host) => ask(host, 100));
    const reply = await ask('healthy.example');
    assert.ok(reply.kind === 'error' && !reply.timedOut);
    assert.match(
      reply.message,
      /^webhook healthy\.example:\d+ was not asked: its name is not looked up while no answer/,
    );
    await Promise.all(waiting);
  });
});
