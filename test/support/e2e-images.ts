/** The images that the end-to-end tests run: the operator's, one of a next version, and Temporal's. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { acquireTool } from '../../src/dev/acquire-tool.ts';
import { buildDistribution } from '../../src/dev/build-distribution.ts';
import { assembleImage } from '../../src/dev/image/assemble-image.ts';
import { PACKAGE_ROOT } from '../../src/dev/image/app-layer.ts';
import { file, text, type ImageLayer } from '../../src/dev/image/image-entry.ts';
import { operatorImage, type OperatorImage } from '../../src/dev/image/operator-image.ts';
import { PACKAGE } from '../../src/cli/package-version.ts';
import { REPOSITORY } from './run-command.ts';

/** As the manifests name it. */
export const IMAGE = `memory-hotplug-operator:${PACKAGE.version}`;
/** The same program, which says that it is of this version: a test can see which of the two a pod runs. */
export const NEXT_VERSION = `${PACKAGE.version}-next`;
export const NEXT_IMAGE = `memory-hotplug-operator:${NEXT_VERSION}`;
/** As deploy/components/temporal-dev names it. */
const TEMPORAL_IMAGE = 'temporalio/temporal:1.5.1';

/** Answers the tar files. */
export async function buildE2eImages(directory: string): Promise<readonly string[]> {
  await mkdir(directory, { recursive: true });
  const temporal = path.join(directory, 'temporal.tar');
  // It looks its user up, and does not start without.
  const passwd = text('/etc/passwd', 'temporal:x:1000:1000::/home/temporal:/sbin/nologin\n');
  await assembleImage({
    tag: TEMPORAL_IMAGE,
    layers: [{ name: 'temporal', entries: [passwd, file('/usr/local/bin/temporal', await acquireTool('temporal'))] }],
    entrypoint: ['/usr/local/bin/temporal'],
    user: '1000:1000',
    output: temporal,
  });
  return [temporal, ...(await assembleOperator(directory))];
}

async function assembleOperator(directory: string): Promise<readonly string[]> {
  const dist = await mkdtemp(path.join(tmpdir(), 'memhp-dist-'));
  try {
    await buildDistribution(dist, { areTypesChecked: false });
    const image = await operatorImage(REPOSITORY, dist);
    const next = { ...image, layers: [...image.layers, await nextVersionLayer()] };
    const assemble = async (tag: string, content: OperatorImage): Promise<string> => {
      const output = path.join(directory, `${tag.replace(':', '-')}.tar`);
      return (await assembleImage({ ...content, tag, output })).output;
    };
    return [await assemble(IMAGE, image), await assemble(NEXT_IMAGE, next)];
  } finally {
    await rm(dist, { recursive: true, force: true });
  }
}

async function nextVersionLayer(): Promise<ImageLayer> {
  const description = JSON.parse(await readFile(path.join(REPOSITORY, 'package.json'), 'utf8')) as object;
  const changed = JSON.stringify({ ...description, version: NEXT_VERSION });
  return { name: NEXT_VERSION, entries: [text(`${PACKAGE_ROOT}/package.json`, changed)] };
}

/** Where they are kept between runs: nothing in them is secret, and layers that have not changed are not made again. */
export const IMAGES_DIRECTORY = path.join(REPOSITORY, 'out', 'e2e');
