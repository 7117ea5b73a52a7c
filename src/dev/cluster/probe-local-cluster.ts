import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { acquireTools } from '../acquire-tool.ts';
import { localToolSources } from '../local-tool-sources.ts';
import { supervise } from '../supervise.ts';
import { acquireNodePrograms } from './node-programs.ts';
import { openSandbox } from './sandbox.ts';
import { CLUSTER_TOOLS } from './start-servers.ts';

export type LocalClusterProbe = { readonly possible: true } | { readonly possible: false; readonly why: string };

/** Of util-linux and iproute2. */
const PROGRAMS = ['unshare', 'nsenter', 'mount', 'ip'];

/**
 * Whether `startLocalCluster` can work here, found out by doing it: fetches or builds what it needs, then opens the node's
 * namespaces, with mounts, network and cgroups, and closes them again. `signal` ends downloads and builds.
 */
export async function probeLocalCluster(
  log: (line: string) => void = console.log,
  signal?: AbortSignal,
): Promise<LocalClusterProbe> {
  if (process.platform !== 'linux') return { possible: false, why: 'a local cluster needs Linux' };
  if (process.getuid?.() !== 0) return { possible: false, why: 'a local cluster needs root' };
  const sources = localToolSources(log, signal);
  for (const program of PROGRAMS) {
    if (!(await sources.findOnPath(program))) return { possible: false, why: `a local cluster needs ${program}` };
  }
  try {
    await acquireTools(CLUSTER_TOOLS, sources);
    await trySandbox((await acquireNodePrograms(sources, signal)).env);
    return { possible: true };
  } catch (error) {
    return { possible: false, why: `a local cluster: ${error instanceof Error ? error.message : String(error)}` };
  }
}

async function trySandbox(env: Readonly<Record<string, string>>): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'memhp-cluster-probe-'));
  const processes = supervise({ logDirectory: path.join(directory, 'logs') });
  try {
    const sandbox = await openSandbox({ directory, hostname: 'probe', processes, env, binds: [] });
    try {
      await sandbox.run('iptables', ['--table', 'nat', '--list']);
      await sandbox.run('runc', ['--version']);
    } finally {
      await sandbox.close();
    }
  } finally {
    await processes.stopAll();
    await rm(directory, { recursive: true, force: true });
  }
}
