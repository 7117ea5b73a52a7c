import { X509Certificate } from 'node:crypto';

const BEGIN = '-----BEGIN CERTIFICATE-----';

/**
 * What is wrong with the PEM text of a caBundle and what to do; undefined when it can be used. An expired certificate next
 * to one that is valid is no problem: that is how authorities are replaced.
 */
export function caBundleProblem(pem: string, nowMs: number): string | undefined {
  const problem = pem.includes('PRIVATE KEY-----')
    ? 'holds a private key, which whoever can read this object has seen; make a new key, and put only certificates there'
    : certificatesProblem(parseBlocks(pem), nowMs);
  return problem === undefined ? undefined : `spec.webhook.caBundle ${problem}`;
}

/** Each certificate by itself, in PEM; what cannot be read is left out. */
export function certificatesIn(pem: string): string[] {
  return parseBlocks(pem)
    .filter((certificate) => certificate !== undefined)
    .map((certificate) => certificate.toString());
}

type Block = X509Certificate | undefined;

function parseBlocks(pem: string): readonly Block[] {
  return pem
    .split(BEGIN)
    .slice(1)
    .map((block) => {
      try {
        return new X509Certificate(BEGIN + block);
      } catch {
        return undefined;
      }
    });
}

function certificatesProblem(blocks: readonly Block[], nowMs: number): string | undefined {
  if (blocks.length === 0) return 'holds no certificate; it is the base64 of a file in PEM format';
  const broken = blocks.indexOf(undefined);
  if (broken !== -1) {
    const which = `certificate ${String(broken + 1)} of ${String(blocks.length)}`;
    return `holds what cannot be read, ${which}; copy it anew from the authority's file`;
  }
  const certificates = blocks.filter((certificate) => certificate !== undefined);
  const [newest] = certificates.toSorted((a, b) => b.validToDate.getTime() - a.validToDate.getTime());
  if (!newest || newest.validToDate.getTime() > nowMs) return undefined;
  const what = certificates.length === 1 ? 'a certificate that has expired' : 'only certificates that have expired';
  const last = `${newest.subject.replaceAll('\n', ', ')} on ${newest.validToDate.toISOString().slice(0, 10)}`;
  return `holds ${what}, ${last}; put the authority's new one there`;
}
