/** What a MemoryNotifier's condition Ready says about a webhook before it is ever asked. */
import assert from 'node:assert/strict';
import { checkTransport } from '../../../src/plugins/check-transport.ts';
import type { PluginRegistry } from '../../../src/plugins/plugin-registry.ts';
import { createAuthority, type Authority } from '../../support/certificates.ts';

const NO_PLUGINS: PluginRegistry = { plugins: [], find: () => undefined, validateConfig: () => assert.fail('asked') };

function check(caBundle?: string): string | undefined {
  const url = 'https://plugin.example/';
  return checkTransport(NO_PLUGINS, { kind: 'webhook', url, ...(caBundle === undefined ? {} : { caBundle }) });
}

describe('checking a webhook', () => {
  let authority: Authority;
  let expired: Authority;

  before(async () => {
    authority = await createAuthority('plugins');
    expired = await createAuthority('bygone', new Date('2020-02-02T00:00:00Z'));
  });

  it('accepts one without caBundle, and one whose certificates can be used', () => {
    assert.equal(check(), undefined);
    assert.equal(check(authority.pem), undefined);
    assert.equal(check(`# our authority\r\n${authority.pem.replaceAll('\n', '\r\n')}\n\n${authority.pem}`), undefined);
  });

  it('accepts an expired certificate beside a valid one, as while authorities are replaced', () => {
    assert.equal(check(expired.pem + authority.pem), undefined);
  });

  it('names the certificate that is broken', () => {
    const broken = authority.pem.replace(/\n[A-Za-z0-9+/]{20}/, '\n');
    const cut = authority.pem.slice(0, -30);
    for (const [pem, which] of [
      [broken, '1 of 1'],
      [authority.pem + broken + authority.pem, '2 of 3'],
      [authority.pem + cut, '2 of 2'],
    ] as const) {
      assert.equal(
        check(pem),
        `spec.webhook.caBundle holds what cannot be read, certificate ${which}; copy it anew from the authority's file`,
      );
    }
  });

  it('says when the last certificate expired', () => {
    assert.match(check(expired.pem) ?? '', /holds a certificate that has expired, CN=bygone on 2020-02-0[89]; put/);
    assert.match(check(expired.pem + expired.pem) ?? '', /holds only certificates that have expired, CN=bygone/);
  });

  it('says so when there is none, or a key', async () => {
    const { cert, key } = await authority.issue('127.0.0.1');
    assert.match(check('certificate') ?? '', /holds no certificate; it is the base64 of a file in PEM format/);
    assert.match(check(cert + key) ?? '', /holds a private key.*; make a new key/);
  });
});
