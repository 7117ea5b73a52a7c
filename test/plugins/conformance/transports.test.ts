/** The kit through the transports that need no server of others: threads of this process, and HTTPS. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { inProcessUnderTest, type InProcessOptions } from '../../../src/plugins/conformance/in-process-under-test.ts';
import type { PlayOptions } from '../../../src/plugins/conformance/play-checks.ts';
import type { PluginUnderTest } from '../../../src/plugins/conformance/plugin-under-test.ts';
import { webhookUnderTest } from '../../../src/plugins/conformance/webhook-under-test.ts';
import { ok, veto } from '../../../src/plugins/define-plugin.ts';
import { listen } from '../../support/webhook-server.ts';
import { freesOthers } from './bad/frees-others.ts';
import { failuresOf, play, seenBy, type Notify } from './play.ts';
import { serveReviews, type Manners } from './review-server.ts';

const TIMEOUT_MS = 2_000;
/** After which busy-at-load is not waited for any more. */
const LOAD_LIMIT_MS = 700;

describe('conformance kit, in-process', function () {
  this.timeout(20_000);
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

  function inProcess(
    specifier: string,
    config: Readonly<Record<string, unknown>> = {},
    more: Partial<InProcessOptions> = {},
  ): Promise<PluginUnderTest> {
    const directory = import.meta.dirname;
    return inProcessUnderTest({ specifier, config, log, timeoutMs: TIMEOUT_MS, directory, ...more });
  }

  const BUILT_IN: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ['capacity-guard', {}],
    ['capacity-guard', { reserve: '1Ti' }],
    ['fault-injection', {}],
    ['fault-injection', { errors: { MEM_GOING_ONLINE: 'ENOMEM', MEM_GOING_OFFLINE: 'EBUSY' } }],
    ['maintenance-window', { windows: [{ schedule: '0 0 1 1 *', durationMinutes: 1 }] }],
    ['maintenance-window', { windows: [{ schedule: '* * * * *', durationMinutes: 60 }] }],
    ['node-lease', {}],
  ];
  for (const [name, config] of BUILT_IN) {
    it(`${name} ${JSON.stringify(config)} passes`, async () => {
      const findings = await play(await inProcess(name, config));
      assert.deepEqual(failuresOf(findings), [], JSON.stringify([...findings]));
    });
  }

  const BAD: readonly (readonly [string, Readonly<Record<string, unknown>>, readonly string[], RegExp])[] = [
    ['./bad/blind-unlock.ts', {}, ['cancel-without-going', 'cancel-twice'], /not locked/],
    [
      './bad/silent-elsewhere.ts',
      {},
      ['every-action'],
      /^MEM_CANCEL_OFFLINE: .*nonsense.*MEM_OFFLINE: .*MEM_CANCEL_ONLINE: /,
    ],
    [
      './bad/counts-dry-runs.ts',
      { max: 2 },
      ['dry-run-leaves-no-trace'],
      /first NOTIFY_OK; after 2 of it NOTIFY_BAD EAGAIN/,
    ],
    ['./bad/busy-at-load.ts', {}, ['config-junk', 'quiet-load'], /no-such-setting/],
  ];
  for (const [specifier, config, failures, seen] of BAD) {
    it(`${specifier} fails ${failures.join(' and ')}, and nothing else`, async () => {
      const isBusy = failures.includes('quiet-load');
      const findings = await play(await inProcess(specifier, config, isBusy ? { loadLimitMs: LOAD_LIMIT_MS } : {}));
      assert.deepEqual(failuresOf(findings), failures, JSON.stringify([...findings]));
      assert.match(seenBy(findings, failures[0] ?? ''), seen);
    });
  }

  it('says what to do about a plugin that cannot be loaded, or that does not take the configuration', async () => {
    await assert.rejects(inProcess('./bad/not-there.ts'), /check the path/);
    await assert.rejects(inProcess('./bad/counts-dry-runs.ts', { max: 0 }), /max must be >= 1/);
  });
});

describe('conformance kit, webhook', function () {
  this.timeout(20_000);

  async function playWebhook(
    notify: Notify,
    manners: Manners = {},
    options: Partial<PlayOptions> = {},
  ): ReturnType<typeof play> {
    const server = await serveReviews(notify, manners);
    try {
      return await play(await webhookUnderTest(server, TIMEOUT_MS), options);
    } finally {
      await server.close();
    }
  }

  it('lets a plugin pass that keeps the contract', async () => {
    const findings = await playWebhook(({ action }) =>
      action.includes('GOING') ? veto('EBUSY', 'a change freeze') : ok(),
    );
    assert.deepEqual(failuresOf(findings), [], JSON.stringify([...findings]));
    assert.equal(findings.get('webhook-version')?.kind, 'passed');
  });

  it('frees-others fails cancel-of-another-run and veto-reason, and nothing else', async () => {
    const findings = await playWebhook(freesOthers());
    assert.deepEqual(failuresOf(findings), ['cancel-of-another-run', 'veto-reason'], JSON.stringify([...findings]));
    assert.match(seenBy(findings, 'cancel-of-another-run'), /another operation gets what the present one has/);
    assert.match(seenBy(findings, 'veto-reason'), /whose whole reason is “EBUSY”/);
  });

  for (const blindTo of ['method', 'version', 'junk'] as const) {
    it(`webhook-${blindTo} fails when the server does not look at that, and nothing else does`, async () => {
      const findings = await playWebhook(() => ok(), { blindTo });
      assert.deepEqual(failuresOf(findings), [`webhook-${blindTo}`], JSON.stringify([...findings]));
    });
  }

  for (const [what, refuse, seen] of [
    ['falls silent', ignore, /timed out after 0\.4 s/],
    ['goes away', (response: ServerResponse) => response.destroy(), /got no response: socket hang up/],
    ['shows a page', (response: ServerResponse) => response.end('<html>'), /got 200 <html>/],
  ] as const) {
    it(`a server that ${what} where it should refuse fails the three checks of that`, async () => {
      const findings = await playWebhook(() => ok(), { refuse }, { timeoutMs: 400 });
      const failures = ['webhook-version', 'webhook-method', 'webhook-junk'];
      assert.deepEqual(failuresOf(findings), failures, JSON.stringify([...findings]));
      for (const check of failures) assert.match(seenBy(findings, check), seen);
    });
  }

  it('says what to do when nobody listens, or when the certificate is not trusted', async () => {
    const server = await serveReviews(() => ok());
    await assert.rejects(webhookUnderTest({ url: server.url }, TIMEOUT_MS), /name with --ca-file who signed/);
    await server.close();
    await assert.rejects(webhookUnderTest(server, TIMEOUT_MS), /ECONNREFUSED.*start the server/);
  });

  it('does not wait longer than a call may take for a server that says nothing', async () => {
    const mute = await listen(createServer());
    await assert.rejects(webhookUnderTest({ url: `https://127.0.0.1:${String(mute.port)}/` }, 300), /cannot be asked/);
    await mute.close();
  });
});

function ignore(): void {
  // Nothing is logged.
}
