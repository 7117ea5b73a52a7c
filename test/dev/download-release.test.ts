import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { downloadRelease, type ReleaseDownload } from '../../src/dev/download-release.ts';
import { PINNED_RELEASES, type PinnedRelease } from '../../src/dev/pinned-releases.ts';

const EXECUTABLE = '#!/bin/sh\necho hello\n';

describe('downloading a release', () => {
  let directory: string;
  let archive: Buffer<ArrayBuffer>;

  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'memhp-release-'));
    mkdirSync(path.join(directory, 'tree/bin'), { recursive: true });
    writeFileSync(path.join(directory, 'tree/bin/etcd'), EXECUTABLE);
    execFileSync('tar', ['-czf', 'archive.tar.gz', '-C', 'tree', 'bin/etcd'], { cwd: directory });
    archive = Buffer.from(readFileSync(path.join(directory, 'archive.tar.gz')));
  });

  after(() => {
    rmSync(directory, { recursive: true });
  });

  function request(digests: PinnedRelease['digests'], answer: () => Response): ReleaseDownload {
    const release: PinnedRelease = {
      name: 'test',
      version: 'v1',
      url: () => 'https://releases.test/archive.tar.gz',
      algorithm: 'sha256',
      digests,
      members: { etcd: 'bin/etcd' },
    };
    return {
      release,
      platform: 'linux-amd64',
      destination: (tool) => path.join(directory, 'installed', tool),
      workDirectory: path.join(directory, 'work'),
      fetch: () => Promise.resolve(answer()),
    };
  }

  const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
  const answerArchive = (): Response => new Response(archive);
  const mustNotAsk = (): Response => assert.fail('asked the network');

  it('installs an executable that has the pinned digest, and leaves nothing else', async () => {
    await downloadRelease(request({ 'linux-amd64': sha256(archive) }, answerArchive));
    assert.equal(execFileSync(path.join(directory, 'installed/etcd'), { encoding: 'utf8' }), 'hello\n');
    assert.deepEqual(readdirSync(path.join(directory, 'work')), []);
    rmSync(path.join(directory, 'installed'), { recursive: true });
  });

  for (const digest of [undefined, '', 'abc', 'A'.repeat(64)]) {
    it(`refuses without asking the network when the digest is ${String(digest)}`, async () => {
      const digests = digest === undefined ? {} : { 'linux-amd64': digest };
      await assert.rejects(downloadRelease(request(digests, mustNotAsk)), /no sha256 digest .* is pinned/);
    });
  }

  it('installs nothing that has another digest', async () => {
    const pinned = { 'linux-amd64': sha256(Buffer.from('what was published')) };
    await assert.rejects(downloadRelease(request(pinned, answerArchive)), /not used/);
    assert.deepEqual(readdirSync(directory).includes('installed'), false);
    assert.deepEqual(readdirSync(path.join(directory, 'work')), []);
  });

  it('says what the server answered', async () => {
    const forbidden = (): Response => new Response('no', { status: 403 });
    await assert.rejects(downloadRelease(request({ 'linux-amd64': sha256(archive) }, forbidden)), /answered 403/);
  });

  it('knows a well-formed digest for every platform it names', () => {
    for (const { name, algorithm, digests } of PINNED_RELEASES) {
      const length = algorithm === 'sha256' ? 64 : 128;
      for (const [platform, digest] of Object.entries(digests)) {
        assert.match(digest, new RegExp(`^[0-9a-f]{${String(length)}}$`), `${name} ${platform}`);
      }
    }
  });
});
