/**
 * The cluster with real pods that the end-to-end tests run on. `MEMHP_E2E_PROVIDER` says whose it is:
 *
 *   local      one node in namespaces of this machine (root on Linux), gone afterwards
 *   kind       one node in Docker, gone afterwards
 *   existing   the one that KUBECONFIG names; the tests install and uninstall on it, and refuse one that this project is
 *              installed on. Never chosen by itself.
 *
 * Unset: the first of local and kind that works here.
 */
import { probeLocalCluster } from '../../src/dev/cluster/probe-local-cluster.ts';
import { startLocalCluster } from '../../src/dev/cluster/start-local-cluster.ts';
import { E2E_PROVIDERS, type E2eCluster, type E2eClusterOptions, type E2eProvider } from './e2e-cluster.ts';
import { openExistingCluster, type ExistingClusterOptions } from './existing-cluster.ts';
import { startKindCluster, whyNoKind } from './kind-cluster.ts';

export type E2eProviderChoice =
  | { readonly provider: E2eProvider; readonly missing?: undefined }
  | { readonly provider?: undefined; readonly missing: string };

type Environment = Readonly<Record<string, string | undefined>>;

/** Probes; fetches or builds what the provider needs. Throws on a provider that is none. */
export async function chooseE2eProvider(
  log: (line: string) => void = console.log,
  env: Environment = process.env,
): Promise<E2eProviderChoice> {
  const wanted = wantedProvider(env);
  if (wanted === 'existing') {
    return env['KUBECONFIG']
      ? { provider: wanted }
      : { missing: 'MEMHP_E2E_PROVIDER is existing, but KUBECONFIG is unset' };
  }
  const reasons: string[] = [];
  if (wanted !== 'kind') {
    const local = await probeLocalCluster(log);
    if (local.possible) return { provider: 'local' };
    reasons.push(local.why);
  }
  if (wanted !== 'local') {
    const why = await whyNoKind();
    if (why === undefined) return { provider: 'kind' };
    reasons.push(why);
  }
  return { missing: reasons.join('; ') };
}

function wantedProvider(env: Environment): E2eProvider | undefined {
  const name = env['MEMHP_E2E_PROVIDER'];
  const provider = E2E_PROVIDERS.find((one) => one === name);
  if (name && !provider) throw new Error(`MEMHP_E2E_PROVIDER is ${name}; it may be ${E2E_PROVIDERS.join(', ')}`);
  return provider;
}

/** Resolves when pods can be created. Throws, with what is missing, where no provider works. Allow 120 s. */
export async function startE2eCluster(options: E2eClusterOptions = {}): Promise<E2eCluster> {
  const { binds = [], images = [], log = console.log, logDirectory } = options;
  switch (wantedProvider(process.env) ?? (await anyProvider(log))) {
    case 'existing':
      return existingCluster({ images, log });
    case 'kind':
      return startKindCluster({ binds, images, log });
    case 'local':
      return localCluster({ binds, images, log, ...(logDirectory === undefined ? {} : { logDirectory }) });
  }
}

async function anyProvider(log: (line: string) => void): Promise<E2eProvider> {
  const { provider, missing } = await chooseE2eProvider(log);
  if (provider === undefined) throw new Error(missing);
  return provider;
}

async function localCluster(options: E2eClusterOptions): Promise<E2eCluster> {
  const cluster = await startLocalCluster(options);
  return {
    provider: 'local',
    kubeconfig: cluster.kubeconfig,
    seesBinds: true,
    loadImages: async (tarFiles) => {
      for (const tarFile of tarFiles) await cluster.loadImage(tarFile);
    },
    stop: () => cluster.stop(),
  };
}

function existingCluster(options: Omit<ExistingClusterOptions, 'kubeconfig'>): Promise<E2eCluster> {
  const kubeconfig = process.env['KUBECONFIG'];
  if (!kubeconfig) throw new Error('MEMHP_E2E_PROVIDER is existing, but KUBECONFIG is unset');
  return openExistingCluster({ ...options, kubeconfig });
}
