/** The images that the end-to-end tests run: the operator's, the same under the name of a next version, and Temporal's. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { acquireTool } from '../../src/dev/acquire-tool.ts';
import { buildDistribution } from '../../src/dev/build-distribution.ts';
import { assembleImage } from '../../src/dev/image/assemble-image.ts';
import { file, text } from '../../src/dev/image/image-entry.ts';
import { operatorImage } from '../../src/dev/image/operator-image.ts';
import { PACKAGE } from '../../src/cli/package-version.ts';
import { REPOSITORY } from './run-command.ts';

/** As the manifests name it. */
export const IMAGE = `memory-hotplug-operator:${PACKAGE.version}`;
/** The same program: what counts is that every pod is replaced. */
export const NEXT_IMAGE = `${IMAGE}-next`;
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
    const archives: string[] = [];
    for (const tag of [IMAGE, NEXT_IMAGE]) {
      const output = path.join(directory, `${tag.replace(':', '-')}.tar`);
      archives.push((await assembleImage({ ...image, tag, output })).output);
    }
    return archives;
  } finally {
    await rm(dist, { recursive: true, force: true });
  }
}

/** Where they are kept between runs: nothing in them is secret, and layers that have not changed are not made again. */
export const IMAGES_DIRECTORY = path.join(REPOSITORY, 'out', 'e2e');
