import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { bundleWorkflows } from '../../src/temporal/workflow-bundle.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');
/** Of the project: the sandbox and the pure core. Of the packages: the SDK's sandbox part and what that needs. */
const ALLOWED = [
  /^workflows\//,
  /^src\/(kernel|contract)\//,
  /^node_modules\/(@temporalio\/(common|workflow)|nexus-rpc|ms|long)\//,
];

function sourceMapOf(code: string): string {
  const encoded = /sourceMappingURL=data:application\/json;charset=utf-8;base64,(\S+)/.exec(code)?.[1];
  assert.ok(encoded, 'the bundle has no source map');
  return Buffer.from(encoded, 'base64').toString();
}

/** Files that went into a bundle, relative to the repository, as its source map tells. */
function sourcesOf(code: string): string[] {
  const { sources } = JSON.parse(sourceMapOf(code)) as { sources: string[] };
  return sources.filter((source) => source.startsWith('./')).map((source) => source.slice('./'.length));
}

describe('the workflow bundle', function () {
  this.timeout(30_000);

  it('holds the sandbox, the pure core and the SDK, and nothing else', async () => {
    const { code } = await bundleWorkflows(path.join(REPOSITORY, 'workflows', 'bundle.ts'));
    const sources = sourcesOf(code);
    assert.ok(sources.includes('workflows/node-locks.ts'), 'the source map names the workflows');
    assert.deepEqual(
      sources.filter((source) => !ALLOWED.some((pattern) => pattern.test(source))),
      [],
    );
  });

  it('does not depend on where the repository lies', async () => {
    const { code } = await bundleWorkflows(path.join(REPOSITORY, 'workflows', 'bundle.ts'));
    assert.equal(code.includes(REPOSITORY), false);
    assert.equal(sourceMapOf(code).includes(REPOSITORY), false);
  });

  it('cannot be made of a workflow that reaches for the file system', async () => {
    // Inside the repository, so that the SDK is found from there.
    await mkdir(path.join(REPOSITORY, 'out'), { recursive: true });
    const directory = await mkdtemp(path.join(REPOSITORY, 'out', 'bundle-'));
    try {
      const workflows = path.join(directory, 'bundle.ts');
      await writeFile(workflows, 'export async function harmless() { return 1; }\n');
      await bundleWorkflows(workflows);
      await writeFile(workflows, "import { rmSync } from 'node:fs';\nexport async function w() { rmSync('/x'); }\n");
      await assert.rejects(bundleWorkflows(workflows), /Webpack finished with errors/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
