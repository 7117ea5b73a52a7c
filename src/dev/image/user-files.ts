/** Files that a base image may lack: the image's user, and certificates. */
import { rootCertificates } from 'node:tls';
import { text, type ImageEntry } from './image-entry.ts';

/** The number that distroless images use for "not root". */
export const USER_ID = 65532;

export function userFiles(): ImageEntry[] {
  return [
    text(
      '/etc/passwd',
      `root:x:0:0:root:/root:/sbin/nologin\nmemhp:x:${String(USER_ID)}:${String(USER_ID)}::/home/memhp:/sbin/nologin\n`,
    ),
    text('/etc/group', `root:x:0:\nmemhp:x:${String(USER_ID)}:\n`),
  ];
}

/**
 * Node has the certificates of the public authorities inside; Temporal's native library looks for them in a file, which slim
 * base images lack: without it no connection to a server with a public certificate would come about.
 */
export function certificatesFile(): ImageEntry {
  return text('/etc/ssl/certs/ca-certificates.crt', `${rootCertificates.join('\n')}\n`);
}
