/** What a webhook must not take for a question that it understands. */
import { NOTIFY_REVIEW_KIND } from '../../contract/notifier.ts';
import { failed, PASSED, type Check, type Finding } from './check.ts';
import { notAsked } from './each-road.ts';
import { quoteReply } from './verdict.ts';
import { exchange, type ExchangeRequest, type WebhookAddress } from './webhook-exchange.ts';

const SECTION = 'plugins-webhook.md#rules';
/** Of a contract that is not out yet. */
const UNKNOWN_VERSION = 'notifier.memoryhotplug.io/v999';
const NO_REVIEWS = ['{"kind":', '[]'];
const ERROR_STATUS_MIN = 400;

export function webhookChecks(address: WebhookAddress): readonly Check[] {
  return [versionCheck(address), methodCheck(address), junkCheck(address)];
}

function versionCheck(address: WebhookAddress): Check {
  return {
    name: 'webhook-version',
    rule: 'a review of an apiVersion that it does not know is refused with an error status (400)',
    section: SECTION,
    async play(asker) {
      const [road] = asker.roads('going');
      if (!road) return notAsked('going');
      const request = asker.event(asker.run(), road.going, { dryRun: true });
      const body = JSON.stringify({
        apiVersion: UNKNOWN_VERSION,
        kind: NOTIFY_REVIEW_KIND,
        request: { ...request, apiVersion: UNKNOWN_VERSION },
      });
      return refuses(address, `apiVersion ${UNKNOWN_VERSION}`, { method: 'POST', body, withinMs: asker.timeoutMs });
    },
  };
}

function methodCheck(address: WebhookAddress): Check {
  return {
    name: 'webhook-method',
    rule: 'every method but POST gets an error status (405): whatever else calls the address (a probe, a browser) asks nothing',
    section: SECTION,
    play: ({ timeoutMs }) => refuses(address, 'GET', { method: 'GET', withinMs: timeoutMs }),
  };
}

function junkCheck(address: WebhookAddress): Check {
  return {
    name: 'webhook-junk',
    rule: 'a body that is no review gets an error status (400), and the next review an answer',
    section: SECTION,
    async play(asker) {
      for (const body of NO_REVIEWS) {
        const finding = await refuses(address, `body ${body}`, { method: 'POST', body, withinMs: asker.timeoutMs });
        if (finding.kind === 'failed') return finding;
      }
      const [road] = asker.roads('going');
      if (!road) return PASSED;
      const reply = await asker.ask(asker.run(), road.going);
      return reply.kind === 'answer' ? PASSED : failed(`the review after a body that is none: ${quoteReply(reply)}`);
    },
  };
}

/** A server that falls silent or goes away refuses nothing: whoever asked learns of no mistake. */
async function refuses(address: WebhookAddress, what: string, request: ExchangeRequest): Promise<Finding> {
  const response = await exchange(address, request);
  if ('problem' in response) return failed(`${what} got no response: ${response.problem}`);
  const { status, body } = response;
  return status >= ERROR_STATUS_MIN ? PASSED : failed(`${what} got ${String(status)} ${body.slice(0, 200)}`);
}
