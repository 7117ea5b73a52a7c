import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { certificatesIn } from './ca-bundle.ts';

const MIN_VERSION = 'TLSv1.2';

let systemAuthorities: SecureContext | undefined;

/**
 * Whom a webhook's certificate must be signed by: one of `caBundle` (PEM) alone, or else an authority that this system trusts.
 * The system's are read once, since that takes 20 ms: a change of them counts after a restart.
 */
export function trustedAuthorities(caBundle: string | undefined): SecureContext {
  if (caBundle === undefined) {
    systemAuthorities ??= createSecureContext({ minVersion: MIN_VERSION, ca: readSystemAuthorities() });
    return systemAuthorities;
  }
  // What is in caBundle is trusted for itself, be it an intermediate authority or the server's own certificate.
  const ca = certificatesIn(caBundle);
  return createSecureContext({ minVersion: MIN_VERSION, ca, allowPartialTrustChain: true });
}

/** And those of NODE_EXTRA_CA_CERTS. A small container image may have none of its own; Node has some built in. */
function readSystemAuthorities(): string[] {
  const system = getCACertificates('system');
  return system.length > 0 ? [...new Set([...system, ...getCACertificates('extra')])] : getCACertificates('default');
}
