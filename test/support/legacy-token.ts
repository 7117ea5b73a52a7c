/** A service account's token as Kubernetes' token controller puts it into a Secret: it never expires, and names no pod and no node. */
import { sign } from 'node:crypto';

export interface LegacyTokenOptions {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Of the service account. */
  readonly uid: string;
  /** Name of the Secret. The API server accepts the token only while it is in there. */
  readonly secret: string;
  /** The RSA key that the API server signs tokens with. */
  readonly keyPem: string;
}

export function legacyToken({ namespace, serviceAccount, uid, secret, keyPem }: LegacyTokenOptions): string {
  const claims = {
    iss: 'kubernetes/serviceaccount',
    sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
    'kubernetes.io/serviceaccount/namespace': namespace,
    'kubernetes.io/serviceaccount/secret.name': secret,
    'kubernetes.io/serviceaccount/service-account.name': serviceAccount,
    'kubernetes.io/serviceaccount/service-account.uid': uid,
  };
  const unsigned = [{ alg: 'RS256', typ: 'JWT' }, claims].map(encode).join('.');
  return `${unsigned}.${sign('sha256', Buffer.from(unsigned), keyPem).toString('base64url')}`;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
