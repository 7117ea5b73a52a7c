/** Official release archives: download, check the digest, unpack. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { promisify } from 'node:util';
import type { PinnedRelease, Platform } from './pinned-releases.ts';
import type { ToolName } from './tool-catalog.ts';

/** Until the first byte. A machine that cannot reach the host should not wait long for what it can build itself. */
const CONNECT_TIMEOUT_MS = 15_000;
/** For the whole archive: 100 MB at 200 kB/s. */
const DOWNLOAD_TIMEOUT_MS = 500_000;

const DIGEST_LENGTH = { sha256: 64, sha512: 128 } as const;

export interface ReleaseDownload {
  readonly release: PinnedRelease;
  readonly platform: Platform;
  /** Where the executable of `tool` belongs. */
  readonly destination: (tool: ToolName) => string;
  /** Folder for temporary files, on the same file system as the destinations. */
  readonly workDirectory: string;
  readonly fetch?: typeof globalThis.fetch;
  /** Ends the download. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Downloads the archive, and installs every executable in it that `destination` names. Throws without asking the
 * network when no digest is pinned for `platform`, and without installing anything when the archive has another digest.
 */
export async function downloadRelease(request: ReleaseDownload): Promise<void> {
  const { release, platform } = request;
  const digest = release.digests[platform];
  if (!digest || !new RegExp(`^[0-9a-f]{${String(DIGEST_LENGTH[release.algorithm])}}$`).test(digest)) {
    throw new Error(`no ${release.algorithm} digest of ${release.name} ${release.version} is pinned for ${platform}`);
  }
  await mkdir(request.workDirectory, { recursive: true });
  const directory = await mkdtemp(path.join(request.workDirectory, 'download-'));
  try {
    const archive = path.join(directory, 'archive.tar.gz');
    const found = await fetchInto(archive, request);
    if (found !== digest) {
      throw new Error(`${release.url(platform)} has ${release.algorithm} ${found}, pinned is ${digest}: not used`);
    }
    await install(request, archive, directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Answers the digest of what was written to `file`. */
async function fetchInto(file: string, { release, platform, ...request }: ReleaseDownload): Promise<string> {
  const url = release.url(platform);
  const timeout = new AbortController();
  const connecting = setTimeout(() => {
    timeout.abort(new Error('no answer'));
  }, CONNECT_TIMEOUT_MS);
  const limits = [timeout.signal, AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS)];
  const signal = AbortSignal.any(request.signal ? [...limits, request.signal] : limits);
  try {
    const response = await (request.fetch ?? fetch)(url, { signal });
    clearTimeout(connecting);
    if (!response.ok || !response.body) throw new Error(`${url} answered ${String(response.status)}`);
    const hash = createHash(release.algorithm);
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    await pipeline(Readable.fromWeb(response.body as ReadableStream<Uint8Array>), hashing, createWriteStream(file));
    return hash.digest('hex');
  } finally {
    clearTimeout(connecting);
  }
}

async function install(request: ReleaseDownload, archive: string, directory: string): Promise<void> {
  for (const [tool, member] of Object.entries(request.release.members)) {
    const destination = request.destination(tool as ToolName);
    await promisify(execFile)('tar', ['-xzf', archive, '-C', directory, member]);
    await chmod(path.join(directory, member), 0o755);
    await mkdir(path.dirname(destination), { recursive: true });
    await rename(path.join(directory, member), destination);
  }
}
