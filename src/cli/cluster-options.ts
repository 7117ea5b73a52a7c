/** Options of every command that has to do with one cluster, and the cluster that they name. */
import { Option, type Command } from 'commander';
import type { KubeConfig } from '@kubernetes/client-node';

export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly clusterId?: string;
}

export function withClusterOptions(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'kubeconfig; default: KUBECONFIG, the service account of the pod, or ~/.kube/config')
    .addOption(
      new Option(
        '--cluster-id <id>',
        'prefix of workflow ids and task queues; default: from the uid of kube-system',
      ).env('MEMHP_CLUSTER_ID'),
    )
    .addHelpText(
      'after',
      '\nTemporal is found as by every Temporal client: TEMPORAL_ADDRESS, or a profile in temporal.toml.',
    );
}

/** For a command that ends: asks the API server once, and only where the id was not given. */
export async function askClusterId({ kubeconfig, clusterId: configured }: ClusterOptions): Promise<string> {
  if (configured !== undefined && configured !== '') return configured;
  return askKubernetes(
    { ...(kubeconfig === undefined ? {} : { kubeconfig }) },
    'which cluster this is',
    async (config) => {
      const { clusterId } = await import('../k8s/cluster-id.ts');
      return clusterId(config);
    },
  );
}

/** Runs `ask` with the cluster's API server. Throws an Error that also says how to do without. */
export async function askKubernetes<T>(
  options: Pick<ClusterOptions, 'kubeconfig'>,
  what: string,
  ask: (kubeConfig: KubeConfig) => Promise<T>,
): Promise<T> {
  const { loadKubeConfig } = await import('../k8s/kube-config.ts');
  try {
    return await ask(loadKubeConfig(options));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot ask Kubernetes ${what}: ${why} With --cluster-id and --node no Kubernetes is needed.`, {
      cause: error,
    });
  }
}
