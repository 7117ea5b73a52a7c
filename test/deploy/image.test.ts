import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildDistribution } from '../../src/dev/build-distribution.ts';
import { assembleImage } from '../../src/dev/image/assemble-image.ts';
import { BASE_IMAGE } from '../../src/dev/image/container-engine.ts';
import { operatorImage } from '../../src/dev/image/operator-image.ts';
import { reasonNotToRun, runUnpacked } from '../../src/dev/image/run-unpacked.ts';
import { unpackImage, type UnpackedImage } from '../../src/dev/image/unpack-image.ts';
import { signalProcessGroup } from '../../src/dev/signal-process-group.ts';
import { prebuiltBundle, workflowBundle } from '../../src/temporal/workflow-bundle.ts';
import { tree } from '../../src/dev/image/image-entry.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');
const PACKAGE = '/opt/memhp/node_modules/memory-hotplug-operator';
/** Of an ELF file's header: which processor it is for. */
const ELF_MACHINE_OFFSET = 18;
const ELF_MACHINE = { x64: 62, arm64: 183 } as const;

interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** Runs a command in the image; with `until`, asks it to end once it has said that. */
async function run(image: UnpackedImage, args: readonly string[], until?: string): Promise<Ended> {
  const child = runUnpacked(image, args);
  let output = '';
  let isAskedToEnd = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (until === undefined || isAskedToEnd || !output.includes(until)) return;
      isAskedToEnd = true;
      signalProcessGroup(child.pid!, 'SIGTERM');
    });
  }
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, output };
}

/** Runs a script with the image's Node, in place of its command. */
function runScript(image: UnpackedImage, script: string): Promise<Ended> {
  return run({ ...image, entrypoint: ['/usr/local/bin/node', '--input-type=module', '--eval'] }, [script]);
}

describe('the image, assembled from this checkout', function () {
  this.timeout(120_000); // most of it once, for what is built and compressed
  let directory: string;
  let dist: string;
  let image: UnpackedImage;

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'memhp-image-test-'));
    dist = path.join(directory, 'dist');
    await buildDistribution(dist, { areTypesChecked: false });
    const output = path.join(directory, 'image.tar');
    await assembleImage({ ...(await operatorImage(REPOSITORY, dist, 'a-commit')), output });
    image = await unpackImage(output, directory);
    await rm(output);
  });

  after(() => rm(directory, { recursive: true, force: true }));

  const inside = (name: string): string => path.join(image.rootfs, name);

  it('is started as a user who is not root, and says what it is', async () => {
    const { version } = JSON.parse(await readFile(path.join(REPOSITORY, 'package.json'), 'utf8')) as {
      version: string;
    };
    assert.equal(image.user, '65532:65532');
    assert.deepEqual(image.entrypoint, ['/usr/local/bin/memhp']);
    assert.equal(image.labels?.['org.opencontainers.image.licenses'], 'Apache-2.0');
    assert.equal(image.labels['org.opencontainers.image.version'], version);
    assert.equal(image.labels['org.opencontainers.image.revision'], 'a-commit');
  });

  it('has native libraries for this processor, with glibc, and for no other', async () => {
    const natives = tree('/', inside('opt')).filter((entry) => /\.(node|so|dll|dylib)$/.test(entry.path));
    assert.deepEqual(
      natives.map(({ path: name }) => /(@temporalio\/core-bridge|@koromix\/koffi-linux-[^/]+)/.exec(name)?.[1]).sort(),
      [`@koromix/koffi-linux-${process.arch}`, '@temporalio/core-bridge'],
    );
    for (const { path: name } of natives) {
      const header = await readFile(inside(path.join('opt', name)));
      assert.equal(
        header.readUInt16LE(ELF_MACHINE_OFFSET),
        ELF_MACHINE[process.arch as keyof typeof ELF_MACHINE],
        name,
      );
    }
  });

  it('brings the very bundle that stored histories are replayed against', async () => {
    const { codePath } = await prebuiltBundle(inside(`${PACKAGE}/dist`));
    assert.deepEqual(await readFile(codePath), await readFile((await workflowBundle()).codePath));
  });

  it('refuses a bundle of other sources', async () => {
    const changed = path.join(directory, 'changed');
    await cp(dist, changed, { recursive: true });
    const { codePath } = await prebuiltBundle(changed);
    await appendFile(path.join(changed, 'src/kernel/zone.js'), '// changed\n');
    await assert.rejects(prebuiltBundle(changed), /no bundle that was built of them .* run npm run build/);
    assert.ok(existsSync(codePath), 'the former bundle is there, and not used');
  });

  it('has neither sources, types, source maps nor what only tests and builds need', () => {
    const unwanted = tree('/', inside('opt')).filter(
      ({ path: name }) =>
        /\.(d\.ts|ts|map)$|\/(@swc|swc-loader|typescript|mocha|tar-stream\/test)\//.test(name) ||
        name.includes('dist/src/dev/'),
    );
    assert.deepEqual(
      unwanted.map(({ path: name }) => name),
      [],
    );
  });

  it('has the licences of all that is inside', async () => {
    const list = await readFile(inside('/licenses/third-party.txt'), 'utf8');
    assert.match(list, /^@temporalio\/worker@\S+ {2}MIT/m);
    const texts = [...list.matchAll(/ {2}(\/\S+)/g)].map(([, file]) => file!);
    assert.deepEqual(
      texts.filter((file) => !existsSync(inside(file))),
      [],
    );
    const lines = list.trim().split('\n');
    assert.ok(lines.length > 50, `${String(lines.length)} packages`);
    const withoutText = lines.filter((line) => !line.includes('  /')).map((line) => line.replace(/@[^@]+? {2}/, ' '));
    assert.deepEqual(withoutText, ['stream-buffers Unlicense'], 'which asks for no text');
    assert.deepEqual(await readFile(inside('/licenses/LICENSE')), await readFile(path.join(REPOSITORY, 'LICENSE')));
  });

  it('says what is linked into its native code, and under which licences', async () => {
    const node = await readFile(inside('/licenses/node.txt'), 'utf8');
    for (const part of ['Node.js', 'V8', 'OpenSSL', 'ICU']) assert.ok(node.includes(part), part);
    const bridge = await readFile(inside('/licenses/temporal-core-bridge.txt'), 'utf8');
    for (const part of ['Permission is hereby granted', 'Temporal Technologies', 'tokio 1.', 'rustls 0.', 'tonic 0.']) {
      assert.ok(bridge.includes(part), part);
    }
    const natives = tree('/', inside('opt')).filter(({ path: name }) => name.endsWith('.node'));
    assert.equal(natives.length, 2, 'a third one has licences of its own to tell of');
  });

  describe('run as a container would be', () => {
    before(function () {
      const reason = reasonNotToRun();
      if (reason === undefined) return;
      console.log(`      skipped: ${reason}`);
      this.skip();
    });

    it('answers --version and --help', async () => {
      const { version } = JSON.parse(await readFile(path.join(REPOSITORY, 'package.json'), 'utf8')) as {
        version: string;
      };
      assert.deepEqual(await run(image, ['--version']), { status: 0, output: `${version}\n` });
      const help = await run(image, ['operator', '--help']);
      assert.equal(help.status, 0);
      assert.match(help.output, /Usage: memhp operator/);
    });

    it('finds its bundle on a root that cannot be written, without webpack', async () => {
      const { status, output } = await runScript(
        image,
        `import { readFileSync, writeFileSync } from 'node:fs';
         import { createRequire } from 'node:module';
         import assert from 'node:assert/strict';
         assert.equal(process.getuid(), 65532);
         assert.throws(() => writeFileSync('/opt/memhp/probe', ''), { code: 'EROFS' });
         const { workflowBundle } = await import('${PACKAGE}/dist/src/temporal/workflow-bundle.js');
         const { codePath } = await workflowBundle();
         readFileSync(codePath);
         const loaded = Object.keys(createRequire(import.meta.url).cache);
         assert.ok(loaded.some((file) => file.includes('/@temporalio/worker/')));
         const tools = loaded.filter((file) => /node_modules\\/(webpack|memfs|unionfs|@swc)\\//.test(file));
         console.log(JSON.stringify(tools.map((file) => file.replace('/opt/memhp/node_modules/', '')).sort()));
         process.exit();`,
      );
      assert.equal(status, 0, output);
      assert.deepEqual(JSON.parse(output), ['memfs/index.js', 'unionfs/index.js', 'webpack/index.js']);
      assert.match(await readFile(inside('/opt/memhp/node_modules/webpack/index.js'), 'utf8'), /is a stand-in/);
    });

    it('replays a stored history', async () => {
      await cp(path.join(REPOSITORY, 'test/histories/holdLocks.json'), inside('/opt/history.json'));
      const { status, output } = await runScript(
        image,
        `import { readFileSync } from 'node:fs';
         const { Worker } = (await import('/opt/memhp/node_modules/@temporalio/worker/lib/index.js')).default;
         const { workflowBundle } = await import('${PACKAGE}/dist/src/temporal/workflow-bundle.js');
         const history = JSON.parse(readFileSync('/opt/history.json', 'utf8'));
         await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history, 'holdLocks');
         process.exit();`,
      );
      assert.equal(status, 0, output);
    });

    it('loads a plugin that a derived image adds, and stops as process 1 when it is asked to', async () => {
      const plugin = inside('/opt/memhp/node_modules/quiet-hours');
      await mkdir(plugin);
      await writeFile(
        path.join(plugin, 'package.json'),
        '{ "name": "quiet-hours", "type": "module", "main": "index.js" }',
      );
      await writeFile(
        path.join(plugin, 'index.js'),
        `import { definePlugin, done } from 'memory-hotplug-operator/plugin';
         export const plugin = definePlugin({ name: 'quiet-hours', description: 'none', configSchema: {}, notify: () => done() });`,
      );
      const missing = await run(image, ['operator', '--plugin', 'noisy-hours']);
      assert.match(missing.output, /noisy-hours: not found from \/opt\/memhp/);
      const { status, output } = await run(image, ['operator', '--plugin', 'quiet-hours'], 'trying again');
      assert.equal(status, 0, output);
      assert.match(output, /"pid":1[,}]/);
      assert.match(output, /"message":"stopped"/);
    });

    it('has an agent that says what is missing when there is nothing to talk to', async () => {
      const agent = ['agent', '--driver', 'simulated', '--state-dir', '/tmp/state'];
      const { output } = await run(image, agent, 'trying again');
      assert.match(output, /Check that the API server runs and that the kubeconfig names it/);
    });
  });
});

describe('deploy/Dockerfile', () => {
  it('starts from the base image that npm run image looks for', async () => {
    const dockerfile = await readFile(path.join(REPOSITORY, 'deploy/Dockerfile'), 'utf8');
    assert.match(dockerfile, new RegExp(`^ARG BASE=${BASE_IMAGE.replaceAll('.', '\\.')}$`, 'm'));
  });

  it('sets what the assembled image sets', async () => {
    const dockerfile = await readFile(path.join(REPOSITORY, 'deploy/Dockerfile'), 'utf8');
    const { entrypoint, user, workingDirectory } = await operatorImage(REPOSITORY, path.join(REPOSITORY, 'crds'));
    assert.ok(dockerfile.includes(`ENTRYPOINT ${JSON.stringify(entrypoint)}`));
    assert.ok(dockerfile.includes(`USER ${user!}`));
    assert.ok(dockerfile.includes(`WORKDIR ${workingDirectory!}`));
  });
});
