/** Which API server to talk to, and as whom. */
import { KubeConfig } from '@kubernetes/client-node';

export interface KubeConfigOptions {
  /** A kubeconfig file; unset: KUBECONFIG, then the service account of the pod, then ~/.kube/config. */
  readonly kubeconfig?: string;
}

/** Throws an Error that says what to set when no cluster is named anywhere. */
export function loadKubeConfig({ kubeconfig }: KubeConfigOptions = {}): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig !== undefined) config.loadFromFile(kubeconfig);
  else if (isInCluster(process.env)) config.loadFromCluster();
  else config.loadFromDefault();
  if (!config.getCurrentCluster()) {
    throw new Error(
      'the kubeconfig has no current cluster; set KUBECONFIG, or choose one: kubectl config use-context NAME',
    );
  }
  return config;
}

function isInCluster(env: NodeJS.ProcessEnv): boolean {
  return env['KUBECONFIG'] === undefined && env['KUBERNETES_SERVICE_HOST'] !== undefined;
}
