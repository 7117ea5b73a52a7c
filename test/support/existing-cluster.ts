/** A cluster that is there already, for the end-to-end tests to install on and to uninstall from: never one that has ours in use. */
import path from 'node:path';
import { acquireTool } from '../../src/dev/acquire-tool.ts';
import type { E2eCluster } from './e2e-cluster.ts';
import { createKubectl, type Kubectl } from './kubectl.ts';
import { REPOSITORY } from './run-command.ts';

const NAMESPACES = ['memhp-system', 'memhp-e2e'];
const GROUP = '.memoryhotplug.io';

export interface ExistingClusterOptions {
  readonly kubeconfig: string;
  /** Tar files of images that its nodes must be able to have by themselves. */
  readonly images: readonly string[];
  readonly log: (line: string) => void;
}

/** Says which cluster it is. Throws, with nothing changed, where this project is installed there or was not taken away whole. */
export async function openExistingCluster({ kubeconfig, images, log }: ExistingClusterOptions): Promise<E2eCluster> {
  const kubectl = createKubectl(await acquireTool('kubectl'), kubeconfig);
  const which = await describeCluster(kubectl);
  log(`end-to-end tests install on ${which}, and uninstall at the end`);
  const found = await whatIsOurs(kubectl);
  if (found.length > 0) {
    throw new Error(
      `${which} has ${found.join(', ')}: these tests would install over what is there, and take all of it away at the end. ` +
        'Choose another cluster, or uninstall first (docs/install.md).',
    );
  }
  const loadImages = (tarFiles: readonly string[]): Promise<void> => {
    if (tarFiles.length > 0) log(`its nodes must have these images already: ${tarFiles.join(', ')}`);
    return Promise.resolve();
  };
  await loadImages(images);
  return { provider: 'existing', kubeconfig, seesBinds: false, loadImages, stop: () => uninstall(kubectl) };
}

/** Takes away whatever of ours the tests have left; twice is harmless. */
export async function uninstall(kubectl: Kubectl): Promise<void> {
  for (const directory of ['crds', 'test/e2e/overlay']) {
    const everything = path.join(REPOSITORY, directory);
    await kubectl.succeed(['delete', '-k', everything, '--ignore-not-found', '--timeout=55s']);
  }
}

async function describeCluster(kubectl: Kubectl): Promise<string> {
  const output = ['config', 'view', '--minify', '-o', 'jsonpath={.current-context} {.clusters[0].cluster.server}'];
  const [context = '', server = ''] = (await kubectl.succeed(output)).split(' ');
  return `the cluster of context ${context}, ${server}`;
}

async function whatIsOurs(kubectl: Kubectl): Promise<readonly string[]> {
  const names = async (...what: readonly string[]): Promise<readonly string[]> =>
    (await kubectl.succeed(['get', ...what, '--ignore-not-found', '-o', 'name']))
      .split('\n')
      .filter((line) => line !== '');
  const namespaces = await names('namespaces', ...NAMESPACES);
  const kinds = await names('customresourcedefinitions');
  return [...namespaces, ...kinds.filter((name) => name.endsWith(GROUP))];
}
