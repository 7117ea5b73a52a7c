import assert from 'node:assert/strict';
import { mkdtemp, mkdir, readFile, rm, utimes, writeFile, chmod, readdir, readlink, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { assembleImage, type AssembleImageOptions } from '../../src/dev/image/assemble-image.ts';
import { qualifiedName } from '../../src/dev/image/image-documents.ts';
import { directory, file, symlink, text, tree, type ImageEntry } from '../../src/dev/image/image-entry.ts';
import { unpackImage } from '../../src/dev/image/unpack-image.ts';
import { inOrder } from '../../src/dev/image/write-layer.ts';

describe('assembling an image', () => {
  let work: string;
  beforeEach(async () => {
    work = await mkdtemp(path.join(tmpdir(), 'memhp-assembly-'));
    await mkdir(path.join(work, 'source', 'lib'), { recursive: true });
    await writeFile(path.join(work, 'source', 'program'), '#!/bin/true\n');
    await chmod(path.join(work, 'source', 'program'), 0o750);
    await writeFile(path.join(work, 'source', 'lib', 'data.bin'), Buffer.alloc(100_000, 7));
  });
  afterEach(() => rm(work, { recursive: true }));

  /** Nothing is taken from an earlier assembly: each has a cache of its own. */
  async function assemble(name: string, changes: Partial<AssembleImageOptions> = {}) {
    return assembleImage({
      tag: 'example:1',
      architecture: 'amd64',
      layers: [
        { name: 'files', entries: tree('/opt', path.join(work, 'source')) },
        {
          name: 'texts',
          entries: [text('/etc/motd', 'hello\n'), directory('/tmp', { mode: 0o1777 }), symlink('/bin', 'opt')],
        },
      ],
      entrypoint: ['/opt/program'],
      env: ['GREETING=a=b'],
      user: '65532:65532',
      output: path.join(work, `${name}.tar`),
      cacheDirectory: path.join(work, `cache-of-${name}`),
      ...changes,
    });
  }

  it('gives the same bytes for the same files, whenever they were made', async () => {
    const one = await assemble('one');
    await utimes(path.join(work, 'source', 'program'), 1, 1);
    const other = await assemble('other');
    assert.equal(one.digest, other.digest);
    assert.deepEqual(await readFile(one.output), await readFile(other.output));
  });

  it('gives the same bytes from the cache as without', async () => {
    const cacheDirectory = path.join(work, 'cache');
    const cold = await assemble('cold', { cacheDirectory });
    const warm = await assemble('warm', { cacheDirectory });
    assert.deepEqual(await readFile(cold.output), await readFile(warm.output));
  });

  it('gives another digest when a byte, a mode or a setting differs', async () => {
    const { digest } = await assemble('before');
    await chmod(path.join(work, 'source', 'program'), 0o640);
    const mode = await assemble('mode');
    await writeFile(path.join(work, 'source', 'program'), '#!/bin/fals\n');
    const byte = await assemble('byte');
    const setting = await assemble('setting', { user: '0:0' });
    assert.equal(new Set([digest, mode.digest, byte.digest, setting.digest]).size, 4);
  });

  it('unpacks to what went in, with settings, modes and links', async () => {
    const { output } = await assemble('whole');
    const image = await unpackImage(output, work);
    const at = (name: string): string => path.join(image.rootfs, name);
    assert.deepEqual(await readFile(at('/opt/lib/data.bin')), Buffer.alloc(100_000, 7));
    assert.equal(await readFile(at('/etc/motd'), 'utf8'), 'hello\n');
    assert.equal(await readlink(at('/bin')), 'opt');
    assert.deepEqual((await readdir(image.rootfs)).sort(), ['bin', 'etc', 'opt', 'tmp']);
    const modes = await Promise.all(['/opt/program', '/opt/lib/data.bin', '/tmp'].map((name) => stat(at(name))));
    assert.deepEqual(
      modes.map(({ mode }) => mode & 0o7777),
      [0o755, 0o644, 0o1777],
    );
    assert.deepEqual([image.entrypoint, image.env, image.user], [['/opt/program'], ['GREETING=a=b'], '65532:65532']);
    await image.remove();
    assert.equal(
      (await readdir(work)).some((name) => name.startsWith('image-')),
      false,
    );
  });

  it('unpacks layers on top of each other: what a later one has, lacks or deletes counts', async () => {
    const lower = [text('/etc/motd', 'hello\n'), text('/etc/issue', 'old\n'), text('/etc/hosts', '')];
    const upper = [text('/etc/.wh.motd', ''), text('/etc/issue', 'new\n')];
    const layers = [lower, upper].map((entries, at) => ({ name: String(at), entries }));
    const { output } = await assemble('layered', { layers });
    const { rootfs } = await unpackImage(output, work);
    assert.deepEqual((await readdir(path.join(rootfs, 'etc'))).sort(), ['hosts', 'issue']);
    assert.equal(await readFile(path.join(rootfs, 'etc', 'issue'), 'utf8'), 'new\n');
  });

  it('is not unpacked where a link leads out of it', async () => {
    const layers = [[symlink('/out', work)], [text('/out/escaped', '')]].map((entries) => ({ name: 'link', entries }));
    const { output } = await assemble('linked', { layers });
    await assert.rejects(unpackImage(output, work), /out lies outside/);
    assert.equal((await readdir(work)).includes('escaped'), false);
  });

  it('leaves no file behind when a source is missing', async () => {
    const entries: ImageEntry[] = [{ kind: 'file', path: '/gone', mode: 0o644, source: path.join(work, 'gone') }];
    await assert.rejects(assemble('failed', { layers: [{ name: 'gone', entries }] }), { code: 'ENOENT' });
    assert.equal(
      (await readdir(work)).some((name) => name.startsWith('failed.tar')),
      false,
    );
  });

  it('refuses a path that comes twice', () => {
    const program = file('/opt/program', path.join(work, 'source', 'program'));
    assert.throws(() => inOrder([program, program]), /\/opt\/program twice/);
  });
});

describe('the order of a layer', () => {
  const imagePath = fc
    .array(fc.constantFrom('a', 'b', 'a.b', 'a-b'), { minLength: 1, maxLength: 4 })
    .map((parts) => `/${parts.join('/')}`);

  it('has each folder before what is in it, whatever was named, in whatever order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(imagePath, { maxLength: 12 }), fc.integer(), (paths, seed) => {
        const shuffled = [...paths].sort((one, other) => ((one.length * seed) % 7) - ((other.length * seed) % 7));
        const ordered = inOrder(shuffled.map((name) => directory(name))).map((entry) => entry.path);
        assert.deepEqual(
          ordered,
          inOrder(paths.map((name) => directory(name))).map((entry) => entry.path),
        );
        for (const [at, name] of ordered.entries()) {
          const parent = path.posix.dirname(name);
          assert.ok(parent === '/' || ordered.slice(0, at).includes(parent), `${parent} comes before ${name}`);
        }
      }),
    );
  });
});

describe('the name by which containerd knows an image', () => {
  for (const [tag, expected] of [
    ['memory-hotplug-operator:0.1.0', 'docker.io/library/memory-hotplug-operator:0.1.0'],
    ['temporalio/temporal:1.5.1', 'docker.io/temporalio/temporal:1.5.1'],
    ['registry.example.org/team/operator:1', 'registry.example.org/team/operator:1'],
    ['registry:5000/operator:1', 'registry:5000/operator:1'],
    ['localhost/operator:1', 'localhost/operator:1'],
  ] as const) {
    it(`of ${tag} is ${expected}`, () => assert.equal(qualifiedName(tag), expected));
  }
});
