/** containerd, runc, the CNI plugins and iptables: installed ones, else out of Debian packages in the per-user cache. */
import { access, mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { unpackDebianPackages } from '../debian-packages.ts';
import type { ToolSources } from '../tool-sources.ts';

/** Each program of the node, and the Debian package that has it. */
const PACKAGES = { containerd: 'containerd', runc: 'runc', iptables: 'iptables' } as const;
const CNI_PACKAGE = 'containernetworking-plugins';
/** Where distributions and Kubernetes' own packages put the plugins. */
const CNI_DIRECTORIES = ['/opt/cni/bin', '/usr/lib/cni', '/usr/libexec/cni'];
const IPTABLES_COMMANDS = ['iptables', 'ip6tables'].flatMap((name) => [name, `${name}-save`, `${name}-restore`]);
/** All that the node's processes talk to is the node itself, which no proxy of the machine's can reach. */
const NO_PROXY = Object.fromEntries(
  ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]).map((name) => [name, '']),
);

export interface NodePrograms {
  readonly cniDirectory: string;
  /** What the node's processes need in their environment to find all of them, and these their libraries. */
  readonly env: Readonly<Record<string, string>>;
}

/** Throws, with what to install, where something is neither installed nor to be had as a Debian package. */
export async function acquireNodePrograms(sources: ToolSources, signal?: AbortSignal): Promise<NodePrograms> {
  const missing: string[] = [];
  for (const [program, name] of Object.entries(PACKAGES)) {
    if (!(await sources.findOnPath(program))) missing.push(name);
  }
  const installedCni = await firstWith('ptp', CNI_DIRECTORIES);
  if (!installedCni) missing.push(CNI_PACKAGE);
  const env = { ...NO_PROXY, PATH: process.env['PATH'] ?? '' };
  if (missing.length === 0) return { cniDirectory: installedCni ?? '', env };

  const root = await unpackDebianPackages({ names: missing, sources, signal });
  const libraries = await firstWith('.', [path.join(root, 'usr/lib', multiarchTriplet())]);
  const iptables = await linkIptables(root);
  const directories = [iptables, path.join(root, 'usr/sbin'), path.join(root, 'usr/bin'), env.PATH];
  return {
    cniDirectory: installedCni ?? path.join(root, 'usr/lib/cni'),
    env: {
      ...env,
      PATH: directories.join(path.delimiter),
      ...(libraries ? { LD_LIBRARY_PATH: libraries, XTABLES_LIBDIR: path.join(libraries, 'xtables') } : {}),
    },
  };
}

/** An installation would make these links; which of the two kinds it is makes no difference in an empty network. */
async function linkIptables(root: string): Promise<string> {
  const directory = path.join(root, 'iptables');
  await mkdir(directory, { recursive: true });
  for (const command of IPTABLES_COMMANDS) {
    await symlink('../usr/sbin/xtables-nft-multi', path.join(directory, command)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
  }
  return directory;
}

/** The folder for this machine's libraries, as Debian names it. */
function multiarchTriplet(): string {
  return `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
}

async function firstWith(file: string, directories: readonly string[]): Promise<string | undefined> {
  for (const directory of directories) {
    const isThere = await access(path.join(directory, file)).then(
      () => true,
      () => false,
    );
    if (isThere) return directory;
  }
  return undefined;
}
