/** Which servers a webhook is believed to be, and what is said about the others. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { mock } from 'node:test';
import type { TlsOptions } from 'node:tls';
import getPort from 'get-port';
import type { NotifierReply } from '../../../src/contract/notifier.ts';
import { callWebhook } from '../../../src/plugins/webhook/call-webhook.ts';
import { createAuthority, type Authority } from '../../support/certificates.ts';
import { memoryNotify, registeredNotifier } from '../../support/notifier-call.ts';
import { agree, listen, serveHttps, type WebhookServer } from '../../support/webhook-server.ts';

const A_MONTH_AGO = new Date(Date.now() - 30 * 86_400_000);
const NEXT_MONTH = new Date(Date.now() + 30 * 86_400_000);

describe('TLS of a webhook', () => {
  let authority: Authority;
  let other: Authority;
  let server: WebhookServer | undefined;

  before(async () => {
    authority = await createAuthority('plugins');
    other = await createAuthority('others');
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  function ask(url: string, caBundle?: string): Promise<NotifierReply> {
    const transport = { kind: 'webhook', url, ...(caBundle === undefined ? {} : { caBundle }) } as const;
    return callWebhook(registeredNotifier({ name: 'x', config: {} }, { transport }), memoryNotify());
  }

  async function askServer(tls: TlsOptions, caBundle?: string): Promise<NotifierReply> {
    server = await serveHttps(tls, agree);
    return ask(`https://localhost:${String(server.port)}/`, caBundle);
  }

  function errorOf(reply: NotifierReply): string {
    assert.ok(reply.kind === 'error' && !reply.timedOut, JSON.stringify(reply));
    return reply.message;
  }

  it('asks a server whose certificate an authority of caBundle signed', async () => {
    const tls = await authority.issue('localhost');
    assert.equal((await askServer(tls, other.pem + authority.pem)).kind, 'answer');
  });

  it('asks a server whose own certificate is the caBundle', async () => {
    const tls = await authority.issue('localhost');
    assert.equal((await askServer(tls, tls.cert)).kind, 'answer');
  });

  it('does not ask a server that caBundle does not vouch for, although the certificate is good', async () => {
    const message = errorOf(await askServer(await authority.issue('localhost'), other.pem));
    assert.match(message, /nobody in spec\.webhook\.caBundle signed; put there the authority that did/);
  });

  it('does not ask a server that the system does not vouch for, and says that there is caBundle', async () => {
    const message = errorOf(await askServer(await authority.issue('localhost')));
    assert.match(
      message,
      /no authority of the operator's system signed; put the one that did into spec\.webhook\.caBu/,
    );
  });

  it('does not ask a server that has no certificate for the name', async () => {
    const message = errorOf(await askServer(await authority.issue('plugin.invalid', '10.1.2.3'), authority.pem));
    assert.match(
      message,
      /shows a certificate for .*DNS:plugin\.invalid.*IP Address:10\.1\.2\.3.*, not for localhost;/,
    );
  });

  it('does not ask a server whose certificate has expired', async () => {
    const old = await createAuthority('old', A_MONTH_AGO);
    const tls = await old.issue('localhost');
    // Beside one that is valid, so that it is the server's certificate that is refused.
    const message = errorOf(await askServer(tls, old.pem + authority.pem));
    assert.match(message, /certificate that has expired, or whose authority has; renew it/);
  });

  it('does not ask a server whose certificate is not valid yet', async () => {
    const coming = await createAuthority('coming', NEXT_MONTH);
    const message = errorOf(await askServer(await coming.issue('localhost'), coming.pem));
    assert.match(message, /not valid yet; correct the clock/);
  });

  it('asks nobody when caBundle cannot be used', async () => {
    const tls = await authority.issue('localhost');
    const message = errorOf(await askServer(tls, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'));
    assert.match(message, /was not asked: spec\.webhook\.caBundle holds what cannot be read/);
    assert.equal(server?.accepted, 0);
  });

  it('agrees on no TLS below 1.2', async () => {
    const tls = { ...(await authority.issue('localhost')), ciphers: 'DEFAULT:@SECLEVEL=0' };
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } as const;
    assert.match(errorOf(await askServer({ ...tls, ...old }, authority.pem)), /allow TLS 1\.2 or 1\.3 there/);
    await server?.close();
    assert.equal((await askServer({ ...tls, maxVersion: 'TLSv1.2' }, authority.pem)).kind, 'answer');
  });

  it('shows no certificate of its own', async () => {
    const tls = { ...(await authority.issue('localhost')), requestCert: true, ca: other.pem };
    assert.match(errorOf(await askServer(tls, authority.pem)), /closed the connection|wants a certificate/);
  });

  it('does not let the environment turn verification off', async () => {
    const warned = mock.method(process, 'emitWarning', () => undefined);
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      errorOf(await askServer(await authority.issue('localhost'), other.pem));
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      warned.mock.restore();
    }
  });

  it('says so when nobody listens', async () => {
    const url = `https://127.0.0.1:${String(await getPort())}/`;
    assert.match(errorOf(await ask(url)), /refused the connection; start the plugin, or correct the port/);
  });

  it('says so when the name does not exist, or cannot be looked up', async () => {
    assert.match(errorOf(await ask('https://plugin.invalid/')), /a name that (does not exist|cannot be looked up now)/);
  });

  it('says so when the server speaks no TLS', async () => {
    server = await listen(createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    const url = `https://127.0.0.1:${String(server.port)}/`;
    assert.match(errorOf(await ask(url)), /speaks no TLS; serve HTTPS on that port/);
  });

  it('says so when the server closes during the handshake', async () => {
    server = await listen(createServer((socket) => socket.once('data', () => socket.destroy())));
    const url = `https://127.0.0.1:${String(server.port)}/`;
    assert.match(errorOf(await ask(url)), /closed the connection during the TLS handshake/);
  });
});
