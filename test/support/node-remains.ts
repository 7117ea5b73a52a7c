/** What a local cluster is on the machine, so that a test can say that all of it is gone. */
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import { cgroupFolders } from '../../src/dev/cluster/cgroups.ts';

/** Where kubelet, containerd and their like write on a real node. */
const NODE_PATHS = [
  ...['/etc/cni', '/etc/containerd', '/opt/cni', '/opt/containerd', '/usr/libexec/kubernetes'],
  ...['/run/cni', '/run/containerd', '/run/netns', '/run/nri', '/run/runc', '/run/sysctl'],
  ...['/var/lib/calico', '/var/lib/cni', '/var/lib/containerd', '/var/lib/kubelet'],
  ...['/var/log/containers', '/var/log/pods'],
];
/** What kubelet would set, of the whole machine. */
const SETTINGS = [
  ...['vm/overcommit_memory', 'vm/panic_on_oom', 'kernel/panic', 'kernel/panic_on_oops'],
  ...['kernel/keys/root_maxkeys', 'kernel/keys/root_maxbytes', 'net/ipv4/ip_forward'],
];

/** What is the same before and after a cluster, and while it runs. */
export function machineFacts(): object {
  return {
    paths: NODE_PATHS.filter((file) => existsSync(file)),
    settings: SETTINGS.map((name) => readIfThere(path.join('/proc/sys', name))),
  };
}

/** Answers, of a cluster that runs, a question: what is left of it? Empty once all of it is gone. */
export async function remainsOf(cluster: {
  readonly kubeconfig: string;
  readonly pid: number;
}): Promise<() => string[]> {
  const number = /https:\/\/10\.99\.(\d+)\.2:/.exec(readFileSync(cluster.kubeconfig, 'utf8'))?.[1] ?? '';
  const name = `memhp${number}`;
  const folders = (await cgroupFolders(name)).map((folder) => ({ folder, inode: inodeOf(folder) }));
  const namespace = readlinkSync(`/proc/${String(cluster.pid)}/ns/pid_for_children`);
  const link = path.join('/sys/class/net', name, 'ifindex');
  const linkIndex = readIfThere(link);
  const directory = path.dirname(path.dirname(cluster.kubeconfig));
  const remains = (): string[] => [
    ...processesIn(namespace),
    // Another cluster may have the name by then.
    ...folders.filter(({ folder, inode }) => inodeOf(folder) === inode).map(({ folder }) => folder),
    ...(readIfThere(link) === linkIndex ? [name] : []),
    ...(existsSync(directory) ? [directory] : []),
    ...readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(directory)),
  ];
  const wanted = 3 + folders.length;
  const found = remains().length;
  if (found < wanted)
    throw new Error(`a running cluster has ${String(wanted)} traces or more, found were ${String(found)}`);
  return remains;
}

function processesIn(namespace: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/ns/pid`) === namespace;
      } catch {
        return false; // it has ended
      }
    })
    .map((pid) => `process ${pid}`);
}

function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
