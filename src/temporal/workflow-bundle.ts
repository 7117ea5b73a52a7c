/** The workflow bundle: in a checkout built once for given sources and kept, in a package built beforehand. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type BundleOptions } from '@temporalio/worker';
import writeFileAtomic from 'write-file-atomic';

/** Of the checkout; in a package, of its dist/. */
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** TypeScript in a checkout, JavaScript in a package. */
const EXTENSION = path.extname(import.meta.filename);
const SOURCES = ['workflows', 'src/kernel', 'src/contract'];
/** Next to the installed packages: `npm ci` empties it, as it should when the SDK changes. */
const CACHE = path.join(ROOT, 'node_modules', '.cache', 'memhp');
const SOURCE_MAP = /(?<=sourceMappingURL=data:application\/json;charset=utf-8;base64,)\S+/;

/**
 * Path of a bundle of the workflows as they are now. In a checkout, building takes some 3 s, finding it some 10 ms. A
 * package brings its bundle and nothing is ever built there: rejects when that bundle is missing or of other sources.
 */
export async function workflowBundle(): Promise<{ codePath: string }> {
  if (EXTENSION === '.js') return prebuiltBundle(ROOT);
  const codePath = path.join(CACHE, await bundleName(ROOT, EXTENSION));
  if (existsSync(codePath)) return { codePath };
  const { code } = await bundleWorkflows(path.join(ROOT, 'workflows', 'bundle.ts'));
  await mkdir(CACHE, { recursive: true });
  await writeFileAtomic(codePath, code);
  return { codePath };
}

/** Puts the bundle of this checkout next to `dist`, which holds the same sources compiled to JavaScript. */
export async function addWorkflowBundle(dist: string): Promise<void> {
  const { codePath } = await workflowBundle();
  await copyFile(codePath, path.join(dist, await bundleName(dist, '.js')));
}

/** The bundle that `addWorkflowBundle` made for what is in `dist` now. Rejects when there is none. */
export async function prebuiltBundle(dist: string): Promise<{ codePath: string }> {
  const codePath = path.join(dist, await bundleName(dist, '.js'));
  if (existsSync(codePath)) return { codePath };
  throw new Error(
    `the workflows in ${dist} have no bundle that was built of them (${path.basename(codePath)} is missing); install ` +
      'the package or the image again, or, where you build it yourself, run npm run build',
  );
}

/** The bundle of the workflows that `workflowsPath` exports: the same wherever the checkout lies. */
export async function bundleWorkflows(workflowsPath: string): Promise<{ code: string }> {
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    payloadConverterPath: path.join(ROOT, 'workflows', 'payload-converter.ts'),
    workflowInterceptorModules: [path.join(ROOT, 'workflows', 'log-fields.ts')],
    webpackConfigHook: nameModulesByTheirPlaceInTheCheckout,
    logger: QUIET,
  });
  // The SDK's entry point names the checkout's path, in the source map only.
  const withoutRoot = (map: string): string =>
    Buffer.from(Buffer.from(map, 'base64').toString().replaceAll(ROOT, '')).toString('base64');
  return { code: code.replace(SOURCE_MAP, withoutRoot) };
}

type WebpackConfigHook = NonNullable<BundleOptions['webpackConfigHook']>;

function nameModulesByTheirPlaceInTheCheckout(config: Parameters<WebpackConfigHook>[0]): ReturnType<WebpackConfigHook> {
  const output = {
    ...config.output,
    filename: 'workflow-bundle.js', // not by a digest of what has the checkout's path in it
    pathinfo: false,
    devtoolModuleFilenameTemplate: '[resource-path]',
  };
  return { ...config, context: ROOT, output };
}

/** Changes with everything that a bundle is made of: the sources in `root`, the SDK, and how this file bundles. */
async function bundleName(root: string, extension: string): Promise<string> {
  const hash = createHash('sha256');
  hash.update((createRequire(import.meta.url)('@temporalio/worker/package.json') as { version: string }).version);
  hash.update(await readFile(path.join(root, 'src', 'temporal', `workflow-bundle${extension}`)));
  for (const folder of SOURCES) {
    const files = (await readdir(path.join(root, folder))).filter((file) => isSource(file, extension)).sort();
    for (const file of files) hash.update(`${folder}/${file}\0`).update(await readFile(path.join(root, folder, file)));
  }
  return `workflow-bundle-${hash.digest('hex').slice(0, 16)}.js`;
}

/** Not the type declarations and source maps that a build leaves between the JavaScript. */
function isSource(file: string, extension: string): boolean {
  return file.endsWith(extension) && !file.endsWith('.d.ts');
}

/** webpack's progress is of no use to the users of an operator; its errors are thrown. */
const QUIET = { log: ignore, trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };
function ignore(): void {
  // Nothing is said.
}
