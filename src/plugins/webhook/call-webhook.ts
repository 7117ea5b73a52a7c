import { NOTIFIER_API_VERSION, NOTIFY_REVIEW_KIND } from '../../contract/notifier.ts';
import type {
  MemoryNotify,
  NotifierReply,
  NotifierTransport,
  NotifyReviewRequest,
  RegisteredNotifier,
} from '../../contract/notifier.ts';
import { caBundleProblem } from './ca-bundle.ts';
import { explainFailure, explainTimeout } from './explain-failure.ts';
import { NAME_LOOKUPS, type NameLookups } from './name-lookups.ts';
import { postJson, PostFailure } from './post-json.ts';
import { readReview } from './read-review.ts';
import { trustedAuthorities } from './trusted-authorities.ts';

type WebhookTransport = Extract<NotifierTransport, { kind: 'webhook' }>;

/**
 * Asks the webhook of `notifier` about `event`: one HTTPS POST, within the notifier's timeout and the event's deadline,
 * whichever ends first. Whatever the server does, this resolves: no usable answer is a reply of kind `error`, which says
 * what to do. Asked once; a repeat comes from an operator that did not live to record the answer.
 */
export async function callWebhook(
  notifier: RegisteredNotifier,
  event: MemoryNotify,
  names = NAME_LOOKUPS,
): Promise<NotifierReply> {
  const { transport, timeoutMs } = notifier;
  if (transport.kind === 'invalid') return { kind: 'error', message: transport.problem };
  if (transport.kind !== 'webhook') return { kind: 'error', message: `${notifier.name} is not a webhook` };
  const leftMs = Math.min(timeoutMs, Date.parse(event.deadline) - Date.now());
  const reply = await ask(transport, event, { leftMs, names });
  if (reply.kind === 'answer') return reply;
  return { ...reply, message: `webhook ${hostOf(transport.url)} ${reply.message}` };
}

interface AskOptions {
  readonly leftMs: number;
  readonly names: NameLookups;
}

async function ask(
  { url, caBundle }: WebhookTransport,
  event: MemoryNotify,
  { leftMs, names }: AskOptions,
): Promise<NotifierReply> {
  if (!(leftMs > 0)) return { kind: 'error', timedOut: true, message: 'was not asked: the deadline has passed' };
  const problem = caBundle === undefined ? undefined : caBundleProblem(caBundle, Date.now());
  if (problem !== undefined) return { kind: 'error', message: `was not asked: ${problem}` };
  const endMs = performance.now() + leftMs;
  const signal = AbortSignal.timeout(leftMs);
  // The timer comes late when this process was busy.
  const isLate = (): boolean => signal.aborted || performance.now() >= endMs;
  try {
    const authorities = trustedAuthorities(caBundle);
    const response = await postJson(url, reviewRequest(event), { authorities, names, signal });
    if (isLate()) return { kind: 'error', timedOut: true, message: explainTimeout('answer', leftMs) };
    return readReview(response, event.uid);
  } catch (error) {
    const { phase, cause } = error instanceof PostFailure ? error : { phase: 'name' as const, cause: error };
    if (isLate()) return { kind: 'error', timedOut: true, message: explainTimeout(phase, leftMs) };
    return { kind: 'error', message: explainFailure(cause, { phase, hasCaBundle: caBundle !== undefined }) };
  }
}

function reviewRequest(event: MemoryNotify): NotifyReviewRequest {
  return { apiVersion: NOTIFIER_API_VERSION, kind: NOTIFY_REVIEW_KIND, request: event };
}

/** Short enough for an event, and holds nothing that could be secret. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
