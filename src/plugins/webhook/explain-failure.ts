/** What a failed exchange means to whoever runs the plugin, and what to do: ends of a sentence that begins with its host. */
import { LookupRefused } from './name-lookups.ts';
import type { PostPhase } from './post-json.ts';

/** Of words that came from the other side, or from Node about it. */
const QUOTE_LENGTH_MAX = 300;

export interface FailurePlace {
  readonly phase: PostPhase;
  readonly hasCaBundle: boolean;
}

interface Failure {
  readonly code?: string;
  readonly message?: string;
  /** Of ERR_TLS_CERT_ALTNAME_INVALID. */
  readonly host?: string;
  readonly cert?: { readonly subjectaltname?: string };
}

const NO_ROUTE = 'cannot be reached from the operator; look at routes and NetworkPolicies';
const NO_HTTP = 'does not answer in HTTP/1.1; let spec.webhook name an HTTPS server';

const BY_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection; start the plugin, or correct the port in spec.webhook',
  ENOTFOUND: 'has a name that does not exist; correct it in spec.webhook (it is looked up where the operator runs)',
  EAI_AGAIN: 'has a name that cannot be looked up now; look at the name server of where the operator runs',
  EHOSTUNREACH: NO_ROUTE,
  ENETUNREACH: NO_ROUTE,
  EADDRNOTAVAIL: NO_ROUTE,
  ETIMEDOUT: NO_ROUTE,
  CERT_HAS_EXPIRED: 'shows a certificate that has expired, or whose authority has; renew it',
  CERT_NOT_YET_VALID: 'shows a certificate that is not valid yet; correct the clock there, or of the operator',
  HPE_HEADER_OVERFLOW: 'answered with more headers than 16 KiB; send fewer',
};

const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'INVALID_CA',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Of OpenSSL: part of a code in capitals, or of a message in small letters. */
const TLS_REASONS: readonly (readonly [RegExp, string])[] = [
  [/wrong.version.number|packet.length.too.long|http.request/i, 'speaks no TLS; serve HTTPS on that port'],
  [
    /protocol.version|unsupported.protocol/i,
    'speaks only versions of TLS that are too old; allow TLS 1.2 or 1.3 there',
  ],
  [/certificate.required/i, 'wants a certificate of the operator, which has none to show; let it in without'],
];

const CLOSED: Readonly<Record<PostPhase, string>> = {
  name: 'could not be looked up',
  connection: 'closed the connection',
  handshake: 'closed the connection during the TLS handshake; look at the log of the plugin, or of the proxy in front',
  response: "closed the connection without an answer; look at the plugin's log",
  answer: "closed the connection in the middle of its answer; look at the plugin's log",
};

const WAITED_FOR: Readonly<Record<PostPhase, string>> = {
  name: 'has a name for which no answer came; look at the name server of where the operator runs',
  connection: 'took no connection; look at routes and NetworkPolicies',
  handshake: 'did not finish the TLS handshake; see whether it speaks TLS on that port, and whether it hangs',
  response: 'did not begin to answer; have the plugin answer sooner, or raise spec.timeoutSeconds',
  answer: 'did not finish its answer; have the plugin answer at once and end the response',
};

export function explainFailure(error: unknown, { phase, hasCaBundle }: FailurePlace): string {
  if (error instanceof LookupRefused) return error.message;
  const failure = (typeof error === 'object' && error !== null ? error : {}) as Failure;
  const { code = '', message = '' } = failure;
  if (code === 'ECONNRESET' || code === 'EPIPE') return CLOSED[phase];
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return explainName(failure);
  if (UNKNOWN_AUTHORITY.has(code)) return explainAuthority(hasCaBundle);
  if (code.startsWith('HPE_')) return BY_CODE[code] ?? NO_HTTP;
  const tls = TLS_REASONS.find(([reason]) => reason.test(`${code} ${message}`));
  return BY_CODE[code] ?? tls?.[1] ?? `could not be asked: ${cut(`${code} ${message}`.trim())}`;
}

/** How long it was waited, and for what. */
export function explainTimeout(phase: PostPhase, waitedMs: number): string {
  return `timed out after ${String(Math.round(waitedMs / 100) / 10)} s: it ${WAITED_FOR[phase]}`;
}

function explainName({ host = '', cert }: Failure): string {
  const names = cut(cert?.subjectaltname ?? 'no name');
  return `shows a certificate for ${names}, not for ${host}; make one for that name, or write another into spec.webhook`;
}

function explainAuthority(hasCaBundle: boolean): string {
  return hasCaBundle
    ? 'shows a certificate that nobody in spec.webhook.caBundle signed; put there the authority that did, and have the server send all certificates between'
    : "shows a certificate that no authority of the operator's system signed; put the one that did into spec.webhook.caBundle";
}

function cut(text: string): string {
  return text.length > QUOTE_LENGTH_MAX ? `${text.slice(0, QUOTE_LENGTH_MAX)}…` : text;
}
