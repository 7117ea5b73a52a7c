/** A webhook plugin: a real server on a real certificate, around a function. */
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';
import { NOTIFIER_API_VERSION, NOTIFY_REVIEW_KIND, type NotifyReviewRequest } from '../../../src/contract/notifier.ts';
import { createAuthority, type ServerCertificate } from '../../support/certificates.ts';
import { answerJson, listen } from '../../support/webhook-server.ts';
import type { Notify } from './play.ts';

export interface Manners {
  /** What the server does not look at. */
  readonly blindTo?: 'method' | 'version' | 'junk';
  /** What it does with what it does not answer; 400 when unset. */
  readonly refuse?: (response: ServerResponse) => unknown;
}

export interface ReviewServer {
  readonly url: string;
  readonly caBundle: string;
  close(): Promise<void>;
}

export async function serveReviews(
  notify: Notify,
  { blindTo, refuse = badRequest }: Manners = {},
): Promise<ReviewServer> {
  const { certificate, caBundle } = await identity();
  const server = createServer(certificate, (request, response) => {
    void text(request).then(async (body) => {
      const review = readReview(request.method, body, blindTo);
      if (!review) {
        refuse(response);
        return;
      }
      const answer = (await notify(review.request)) as object;
      const { uid } = review.request;
      const { apiVersion, kind } = { apiVersion: NOTIFIER_API_VERSION, kind: NOTIFY_REVIEW_KIND };
      answerJson(response, JSON.stringify({ apiVersion, kind, response: { uid, ...answer } }));
    });
  });
  const listening = await listen(server);
  return {
    url: `https://localhost:${String(listening.port)}/notify`,
    caBundle,
    close: () => listening.close(),
  };
}

/** One for all servers of a process: it takes a while to make. */
let identityMade: Promise<{ certificate: ServerCertificate; caBundle: string }> | undefined;

function identity(): Promise<{ certificate: ServerCertificate; caBundle: string }> {
  identityMade ??= createAuthority('plugin-test').then(async (authority) => ({
    certificate: await authority.issue('localhost', '127.0.0.1'),
    caBundle: authority.pem,
  }));
  return identityMade;
}

function badRequest(response: ServerResponse): void {
  response.writeHead(400).end('not a MemoryNotifyReview');
}

/** Undefined: refused. */
function readReview(
  method: string | undefined,
  body: string,
  blindTo: Manners['blindTo'],
): Pick<NotifyReviewRequest, 'request'> | undefined {
  if (method !== 'POST') return blindTo === 'method' ? NOTHING_ASKED : undefined;
  const review = parse(body);
  if (!review || typeof review !== 'object' || !('request' in review))
    return blindTo === 'junk' ? NOTHING_ASKED : undefined;
  const { apiVersion, request } = review as NotifyReviewRequest;
  return (apiVersion as string) === NOTIFIER_API_VERSION || blindTo === 'version' ? { request } : undefined;
}

const NOTHING_ASKED = { request: { action: 'MEM_ONLINE' } } as unknown as NotifyReviewRequest;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
