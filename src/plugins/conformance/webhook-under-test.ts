import { once } from 'node:events';
import { connect } from 'node:tls';
import { callWebhook } from '../webhook/call-webhook.ts';
import { trustedAuthorities } from '../webhook/trusted-authorities.ts';
import { notifierUnderTest } from './notifier-under-test.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';
import { webhookChecks } from './webhook-checks.ts';
import type { WebhookAddress } from './webhook-exchange.ts';

const HTTPS_PORT = 443;

/** Rejects with an Error that says what to do when no server is there that can be trusted. */
export async function webhookUnderTest(address: WebhookAddress, timeoutMs: number): Promise<PluginUnderTest> {
  await reach(address, timeoutMs);
  const notifier = notifierUnderTest({ kind: 'webhook', ...address }, timeoutMs);
  return {
    ask: (event) => callWebhook(notifier, event),
    checks: webhookChecks(address),
    close: () => Promise.resolve(),
  };
}

async function reach({ url, caBundle }: WebhookAddress, timeoutMs: number): Promise<void> {
  const { hostname, port, host } = new URL(url);
  const name = hostname.replace(/^\[|\]$/g, '');
  const socket = connect({
    host: name,
    port: port === '' ? HTTPS_PORT : Number(port),
    servername: /^[\d.]+$|:/.test(name) ? '' : name,
    secureContext: trustedAuthorities(caBundle),
  });
  socket.on('error', () => undefined);
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const advice =
      caBundle === undefined
        ? 'start the server, and name with --ca-file who signed its certificate, unless this machine trusts it anyway'
        : 'start the server, and check that its certificate is for this name and signed by an authority in --ca-file';
    throw new Error(`${host} cannot be asked (${why}); ${advice}`, { cause: error });
  } finally {
    socket.destroy();
  }
}
