/** The workflow bundle, built once for a given source and kept. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import writeFileAtomic from 'write-file-atomic';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SOURCES = ['workflows', 'src/kernel', 'src/contract'];
/** Next to the installed packages: `npm ci` empties it, as it should when the SDK changes. */
const CACHE = path.join(ROOT, 'node_modules', '.cache', 'memhp');

/** Path of a bundle of the workflows as they are in the source tree now. Building takes some 3 s, finding it some 10 ms. */
export async function workflowBundle(): Promise<{ codePath: string }> {
  const codePath = path.join(CACHE, `workflow-bundle-${await fingerprint()}.js`);
  if (existsSync(codePath)) return { codePath };
  const { code } = await bundleWorkflows(sandboxModule('bundle'));
  await mkdir(CACHE, { recursive: true });
  await writeFileAtomic(codePath, code);
  return { codePath };
}

/** The bundle of the workflows that `workflowsPath` exports. */
export function bundleWorkflows(workflowsPath: string): Promise<{ code: string }> {
  return bundleWorkflowCode({ workflowsPath, payloadConverterPath: sandboxModule('payload-converter'), logger: QUIET });
}

/** TypeScript in the source tree, JavaScript in the package. */
function sandboxModule(name: 'bundle' | 'payload-converter'): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return path.join(ROOT, 'workflows', `${name}.${extension}`);
}

async function fingerprint(): Promise<string> {
  const hash = createHash('sha256');
  hash.update((createRequire(import.meta.url)('@temporalio/worker/package.json') as { version: string }).version);
  for (const folder of SOURCES) {
    const files = (await readdir(path.join(ROOT, folder))).sort();
    for (const file of files) hash.update(`${folder}/${file}\0`).update(await readFile(path.join(ROOT, folder, file)));
  }
  return hash.digest('hex').slice(0, 16);
}

/** webpack's progress is of no use to the users of an operator; its errors are thrown. */
const QUIET = { log: ignore, trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };
function ignore(): void {
  // Nothing is said.
}
