import type { LookupAddress } from 'node:dns';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';
import { ANSWER_LENGTH_MAX } from '../../contract/notifier-answer.ts';
import type { NameLookups } from './name-lookups.ts';
import { USER_AGENT } from './user-agent.ts';

/** How far an exchange got: what was waited for when it ended. */
export type PostPhase = 'name' | 'connection' | 'handshake' | 'response' | 'answer';

/** There is no response; `cause` says why. */
export class PostFailure extends Error {
  readonly phase: PostPhase;

  constructor(phase: PostPhase, cause: unknown) {
    super(`waiting for the ${phase}`, { cause });
    this.phase = phase;
  }
}

export interface PostOptions {
  readonly authorities: SecureContext;
  readonly names: NameLookups;
  /** Ends the exchange, however far it got. */
  readonly signal: AbortSignal;
}

export interface PostResponse {
  readonly status: number;
  /** As `application/json`; empty when the server did not say. */
  readonly mediaType: string;
  /** Of status 200 only; unset when it has more bytes than an answer may have characters. */
  readonly body?: string;
}

/**
 * POSTs `content` on a connection of its own, which it closes. Follows no redirect and uses no proxy. Throws PostFailure.
 *
 * A fresh connection costs 2 ms of processor and two round trips more than a kept one, next to the seconds that moving
 * pages takes. For that there is no connection that went stale while the server restarted, a certificate and caBundle
 * that were changed count from the next call on, and calls spread over the endpoints of a Service.
 */
export async function postJson(url: string, content: object, options: PostOptions): Promise<PostResponse> {
  let phase: PostPhase = 'name';
  const enter = (next: PostPhase): void => {
    phase = next;
  };
  let request: ClientRequest | undefined;
  try {
    const addresses = await addressesOf(new URL(url), options);
    enter('connection');
    request = beginPost(url, JSON.stringify(content), addresses, options);
    followPhases(request, enter);
    const response = await responseTo(request, options.signal);
    enter('answer');
    const { statusCode: status = 0, headers } = response;
    const mediaType = mediaTypeOf(headers['content-type']);
    const body = status === 200 ? await readText(response) : undefined;
    return { status, mediaType, ...(body === undefined ? {} : { body }) };
  } catch (error) {
    throw new PostFailure(phase, error);
  } finally {
    request?.destroy();
  }
}

/** None where the address itself stands in the URL. */
async function addressesOf({ hostname }: URL, { names, signal }: PostOptions): Promise<readonly LookupAddress[]> {
  const isAddress = isIP(hostname) !== 0 || hostname.startsWith('[');
  return isAddress ? [] : names.addressesOf(hostname, signal);
}

function beginPost(
  url: string,
  body: string,
  addresses: readonly LookupAddress[],
  { authorities, signal }: PostOptions,
): ClientRequest {
  return httpsRequest(url, {
    method: 'POST',
    signal,
    lookup: answerWith(addresses),
    // Of its own: an agent that is shared keeps connections and TLS sessions. Not left to NODE_TLS_REJECT_UNAUTHORIZED.
    agent: new Agent({ secureContext: authorities, rejectUnauthorized: true }),
    headers: {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      Accept: 'application/json',
      'User-Agent': USER_AGENT,
    },
  }).end(body);
}

function answerWith(addresses: readonly LookupAddress[]): LookupFunction {
  return (_name, { all }, answer) => {
    const [first] = addresses;
    process.nextTick(() => (all ? answer(null, [...addresses]) : answer(null, first?.address ?? '', first?.family)));
  };
}

function followPhases(request: ClientRequest, enter: (phase: PostPhase) => void): void {
  request.once('socket', (socket) => {
    socket.once('connect', () => enter('handshake'));
    socket.once('secureConnect', () => enter('response'));
  });
}

function responseTo(request: ClientRequest, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(error);
    request.once('response', resolve);
    // Not only once: an error that comes later must not end the process.
    request.on('error', fail);
    // Without an error before it when the server switches to another protocol.
    request.once('close', () => fail(Object.assign(new Error('closed without a response'), { code: 'ECONNRESET' })));
    signal.addEventListener('abort', () => fail(signal.reason as Error), { once: true });
  });
}

async function readText(response: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    lengthBytes += chunk.length;
    if (lengthBytes > ANSWER_LENGTH_MAX) return undefined;
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function mediaTypeOf(contentType = ''): string {
  return /^[\w.+-]{1,64}\/[\w.+-]{1,64}/.exec(contentType)?.[0].toLowerCase() ?? '';
}
