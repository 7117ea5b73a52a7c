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

const WITHOUT_KUBERNETES = 'With --cluster-id no Kubernetes is needed.';

/**
 * For a command that ends: asks the API server once, and only where the id was not given. `remedy`: how the command can do
 * without, for the Error that it throws.
 */
export async function askClusterId(options: ClusterOptions, remedy = WITHOUT_KUBERNETES): Promise<string> {
  const { clusterId: configured } = options;
  if (configured !== undefined && configured !== '') return configured;
  return askKubernetes(options, { what: 'which cluster this is', remedy }, async (config) => {
    const { clusterId } = await import('../k8s/cluster-id.ts');
    return clusterId(config);
  });
}

/** Runs `ask` with the cluster's API server. Throws an Error that says what was asked, and `remedy`. */
export async function askKubernetes<T>(
  { kubeconfig }: Pick<ClusterOptions, 'kubeconfig'>,
  { what, remedy }: { readonly what: string; readonly remedy?: string },
  ask: (kubeConfig: KubeConfig) => Promise<T>,
): Promise<T> {
  const { loadKubeConfig } = await import('../k8s/kube-config.ts');
  try {
    return await ask(loadKubeConfig(kubeconfig === undefined ? {} : { kubeconfig }));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error([`cannot ask Kubernetes ${what}: ${why}`, ...(remedy === undefined ? [] : [remedy])].join(' '), {
      cause: error,
    });
  }
}
