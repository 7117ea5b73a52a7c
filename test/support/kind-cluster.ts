/**
 * A cluster by kind, where Docker runs and kind is on PATH. Not tested by this project's own CI, which has no Docker: that
 * is said to whoever uses it.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import type { E2eCluster, E2eClusterOptions } from './e2e-cluster.ts';

/** kind pulls an image of some 400 MB when it is used first. */
const COMMAND_TIMEOUT_MS = 600_000;
const PROBE_TIMEOUT_MS = 20_000;

/** Why there can be no cluster by kind; undefined when there can. */
export async function whyNoKind(): Promise<string | undefined> {
  const isThere = (command: string, ...args: string[]): Promise<boolean> =>
    promisify(execFile)(command, args, { timeout: PROBE_TIMEOUT_MS }).then(
      () => true,
      () => false,
    );
  if (!(await isThere('docker', 'info'))) return 'kind: no Docker daemon answers';
  return (await isThere('kind', 'version')) ? undefined : 'kind: it is not on PATH';
}

type KindOptions = Required<Pick<E2eClusterOptions, 'binds' | 'images' | 'log'>>;

export async function startKindCluster({ binds, images, log }: KindOptions): Promise<E2eCluster> {
  const directory = await mkdtemp(path.join(tmpdir(), 'memhp-kind-'));
  const name = path.basename(directory).toLowerCase();
  const kubeconfig = path.join(directory, 'kubeconfig');
  const kind = async (...args: string[]): Promise<void> => {
    await promisify(execFile)('kind', args, { timeout: COMMAND_TIMEOUT_MS });
  };
  const stop = async (): Promise<void> => {
    await kind('delete', 'cluster', '--name', name, '--kubeconfig', kubeconfig);
    await rm(directory, { recursive: true, force: true });
  };
  const loadImages = async (tarFiles: readonly string[]): Promise<void> => {
    for (const tarFile of tarFiles) await kind('load', 'image-archive', tarFile, '--name', name);
  };
  log(`creating the cluster ${name} by kind, which the authors of these tests could not try; please report what fails`);
  const extraMounts = binds.map(({ from, to }) => ({ hostPath: from, containerPath: to }));
  const configuration = {
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    nodes: [{ role: 'control-plane', extraMounts }],
  };
  const file = path.join(directory, 'kind.yaml');
  await writeFile(file, stringify(configuration));
  try {
    await kind('create', 'cluster', '--name', name, '--kubeconfig', kubeconfig, '--config', file, '--wait', '120s');
    await loadImages(images);
    return { provider: 'kind', kubeconfig, seesBinds: true, loadImages, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
