/** Containers and their network: containerd, and a plugin of the standard ones that gives each pod a veth pair. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { waitUntilReady } from '../wait-until-ready.ts';
import { POD_NETWORK } from './node-addresses.ts';
import type { Sandbox } from './sandbox.ts';

const READY_TIMEOUT_MS = 30_000;
/** kubelet's containers and images are all in this namespace of containerd. */
const NAMESPACE = 'k8s.io';
const CAP_SYS_RESOURCE = 24n;

export interface ContainerdOptions {
  readonly sandbox: Sandbox;
  /** For configuration. */
  readonly directory: string;
  /** For images and containers. */
  readonly dataDirectory: string;
  readonly cniDirectory: string;
  /** Image of the container that holds a pod's namespaces. */
  readonly pauseImage: string;
}

export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';

/** Resolves when it answers. */
export async function startContainerd(options: ContainerdOptions): Promise<void> {
  const { sandbox, directory } = options;
  const config = path.join(directory, 'containerd.toml');
  const networks = path.join(directory, 'cni');
  await mkdir(networks, { recursive: true });
  await writeFile(path.join(networks, '10-pods.conflist'), JSON.stringify(podNetwork()));
  await writeFile(config, renderConfig(options, networks, await mayLowerOomScores()));
  const containerd = await sandbox.start({ name: 'containerd', command: 'containerd', args: ['--config', config] });
  await waitUntilReady(containerd, async () => (await ctr(sandbox, 'version')) !== '', READY_TIMEOUT_MS);
}

/**
 * Makes the image in a tar file (of docker or OCI) one that pods can use at once, by the names that the file gives it. The
 * node must see the file under the same path.
 */
export async function importImage(sandbox: Pick<Sandbox, 'run'>, tarFile: string): Promise<void> {
  await ctr(sandbox, 'images', 'import', path.resolve(tarFile));
}

function ctr(sandbox: Pick<Sandbox, 'run'>, ...args: string[]): Promise<string> {
  return sandbox.run('ctr', ['--address', CONTAINERD_SOCKET, '--namespace', NAMESPACE, ...args]);
}

function renderConfig(options: ContainerdOptions, networks: string, mayLower: boolean): string {
  return `version = 2
root = ${JSON.stringify(options.dataDirectory)}
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]

[grpc]
address = ${JSON.stringify(CONTAINERD_SOCKET)}

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = ${JSON.stringify(options.pauseImage)}
restrict_oom_score_adj = ${String(!mayLower)}

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = ${JSON.stringify(options.cniDirectory)}
conf_dir = ${JSON.stringify(networks)}
`;
}

/** No bridge: what goes from pod to pod is routed, so that Services need no further kernel module. */
function podNetwork(): object {
  return {
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      {
        type: 'ptp',
        ipMasq: true,
        ipam: { type: 'host-local', ranges: [[{ subnet: POD_NETWORK }]], routes: [{ dst: '0.0.0.0/0' }] },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}

/** Root in a container often may not; runc then dies ("can't get final child's PID from pipe"). */
async function mayLowerOomScores(): Promise<boolean> {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> CAP_SYS_RESOURCE) & 1n) === 1n;
}
