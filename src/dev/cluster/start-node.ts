/** What makes a machine a node: kubelet, kube-proxy, and CoreDNS, which here runs beside the pods. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ToolPaths } from '../acquire-tool.ts';
import type { ControlPlaneCredentials } from '../control-plane-credentials.ts';
import { renderFlags } from '../render-flags.ts';
import type { SupervisedChild } from '../supervise.ts';
import { CLUSTER_DOMAIN, POD_NETWORK } from './node-addresses.ts';
import type { Sandbox } from './sandbox.ts';
import { CONTAINERD_SOCKET } from './start-containerd.ts';

export interface NodeOptions {
  readonly sandbox: Sandbox;
  readonly tools: ToolPaths<'coredns' | 'kube-proxy' | 'kubelet'>;
  readonly credentials: ControlPlaneCredentials;
  readonly server: string;
  /** For configuration. */
  readonly directory: string;
  readonly nodeName: string;
}

export async function startKubelet(options: NodeOptions): Promise<SupervisedChild> {
  const { credentials, directory, nodeName, sandbox, server, tools } = options;
  const user = { name: `system:node:${nodeName}`, groups: ['system:nodes'] };
  const config = path.join(directory, 'kubelet.json');
  await writeFile(config, JSON.stringify(kubeletConfiguration(options)));
  const flags = {
    config,
    kubeconfig: await credentials.writeKubeconfig(server, user),
    'hostname-override': nodeName,
    'node-ip': sandbox.address,
  };
  return sandbox.start({ name: 'kubelet', command: tools.kubelet, args: renderFlags(flags) });
}

function kubeletConfiguration({ credentials, sandbox }: NodeOptions): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: credentials.apiServerFlags['client-ca-file'] },
    },
    authorization: { mode: 'Webhook' },
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    cgroupRoot: `/${sandbox.cgroup}`,
    cgroupDriver: 'cgroupfs',
    failCgroupV1: false,
    failSwapOn: false,
    clusterDNS: [sandbox.address],
    clusterDomain: CLUSTER_DOMAIN,
    // There is no registry: images are imported, and every pod may use them.
    imagePullCredentialsVerificationPolicy: 'NeverVerify',
    serializeImagePulls: false,
    // The machine's disk and memory are not this cluster's to look after.
    evictionHard: {
      'memory.available': '0%',
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
    },
    imageGCHighThresholdPercent: 100,
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
  };
}

export async function startKubeProxy({
  credentials,
  nodeName,
  sandbox,
  server,
  tools,
}: NodeOptions): Promise<SupervisedChild> {
  const flags = {
    kubeconfig: await credentials.writeKubeconfig(server, { name: 'system:kube-proxy', groups: [] }),
    'proxy-mode': 'iptables',
    'cluster-cidr': POD_NETWORK,
    'hostname-override': nodeName,
    'conntrack-max-per-core': '0', // is of the whole machine
  };
  return sandbox.start({ name: 'kube-proxy', command: tools['kube-proxy'], args: renderFlags(flags) });
}

/** Answers for Services and pods of the cluster, and for nothing else. */
export async function startCoreDns({
  credentials,
  directory,
  sandbox,
  server,
  tools,
}: NodeOptions): Promise<SupervisedChild> {
  // Reads Services and EndpointSlices. Not a pod, so the administrator: no role for it has to be made first.
  const kubeconfig = await credentials.writeKubeconfig(server, { name: 'coredns', groups: ['system:masters'] });
  const corefile = path.join(directory, 'Corefile');
  await writeFile(
    corefile,
    `.:53 {
  bind ${sandbox.address}
  errors
  kubernetes ${CLUSTER_DOMAIN} in-addr.arpa ip6.arpa {
    kubeconfig ${kubeconfig}
    pods insecure
    ttl 1
  }
}
`,
  );
  return sandbox.start({ name: 'coredns', command: tools.coredns, args: ['-conf', corefile] });
}
