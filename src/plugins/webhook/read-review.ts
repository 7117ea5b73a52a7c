import { ANSWER_LENGTH_MAX, parseAnswer } from '../../contract/notifier-answer.ts';
import { NOTIFIER_API_VERSION, NOTIFY_REVIEW_KIND, type NotifierReply } from '../../contract/notifier.ts';
import type { PostResponse } from './post-json.ts';

const JSON_MEDIA_TYPE = 'application/json';

/** What to do about a status; the rest is for the plugin's log to say. */
const ADVICE: Readonly<Record<number, string>> = {
  400: 'the plugin did not understand the request: look at its log',
  401: 'the operator sends no credentials: let it in without',
  403: 'the operator sends no credentials: let it in without',
  404: 'correct the path in spec.webhook',
  405: 'let that path take POST',
  502: 'the proxy in front has no plugin behind it: start one',
  503: 'the plugin, or the proxy in front, is not ready',
  504: 'the plugin did not answer the proxy in front',
};

/**
 * The reply that a server's response is to the request `uid`. The server may be anyone's, so nothing of what it sent is
 * quoted unless it shows that it speaks this contract and answers this request.
 */
export function readReview({ status, mediaType, body }: PostResponse, uid: string): NotifierReply {
  if (status !== 200) return failed(`answered with status ${String(status)}, not 200; ${adviceOn(status)}`);
  if (body === undefined) {
    return failed(
      `answered with more than ${String(ANSWER_LENGTH_MAX)} bytes; an answer is a sentence and a few words`,
    );
  }
  if (mediaType !== JSON_MEDIA_TYPE) {
    const given = mediaType === '' ? 'no Content-Type' : mediaType;
    return failed(`answered with ${given}; answer with Content-Type: ${JSON_MEDIA_TYPE}`);
  }
  const review = parseObject(body);
  if (!review) return failed('answered with something other than a JSON object; answer with a MemoryNotifyReview');
  return readEnvelope(review, uid);
}

/** `response` without its uid is the answer. What else stands beside it is the plugin's own, as an echoed request is. */
function readEnvelope({ apiVersion, kind, response }: Record<string, unknown>, uid: string): NotifierReply {
  if (apiVersion !== NOTIFIER_API_VERSION) return nonsense(`apiVersion must be ${NOTIFIER_API_VERSION}`);
  if (kind !== NOTIFY_REVIEW_KIND) return nonsense(`kind must be ${NOTIFY_REVIEW_KIND}`);
  if (!isObject(response)) return nonsense('response must be an object with uid and result');
  const { uid: answered, ...answer } = response;
  if (answered !== uid) return nonsense(`response.uid must be that of the request, ${uid}`);
  return parseAnswer(answer);
}

function adviceOn(status: number): string {
  if (status >= 300 && status < 400) return 'redirects are not followed: put the final address into spec.webhook';
  return ADVICE[status] ?? "look at the plugin's log";
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nonsense(expected: string): NotifierReply {
  return failed(`answered nonsense: ${expected}`);
}

function failed(message: string): NotifierReply {
  return { kind: 'error', message };
}
