import { once } from 'node:events';
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { trustedAuthorities } from '../webhook/trusted-authorities.ts';

/** A response that would need more than this is none to a review. */
const BODY_LENGTH_MAX = 65_536;

export interface WebhookAddress {
  readonly url: string;
  /** PEM of whom to trust instead of the system's authorities. */
  readonly caBundle?: string;
}

export interface ExchangeRequest {
  readonly method: string;
  readonly body?: string;
  readonly withinMs: number;
}

/** A response, or why there was no whole one in time. */
export type Exchange = { readonly status: number; readonly body: string } | { readonly problem: string };

/** Any HTTP request, also such as the operator never makes. */
export async function exchange(
  { url, caBundle }: WebhookAddress,
  { method, body, withinMs }: ExchangeRequest,
): Promise<Exchange> {
  const signal = AbortSignal.timeout(withinMs);
  const agent = new Agent({ secureContext: trustedAuthorities(caBundle), rejectUnauthorized: true });
  const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const request = httpsRequest(url, { method, signal, agent, headers });
  // Heard below; one that comes later must not end the process.
  request.on('error', () => undefined);
  try {
    request.end(body);
    const [response] = (await once(request, 'response', { signal })) as [IncomingMessage];
    let text = '';
    for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
      text += chunk;
      if (text.length > BODY_LENGTH_MAX) break;
    }
    return { status: response.statusCode ?? 0, body: text };
  } catch (error) {
    if (signal.aborted) return { problem: `timed out after ${String(withinMs / 1000)} s` };
    return { problem: error instanceof Error ? error.message : String(error) };
  } finally {
    request.destroy();
  }
}
