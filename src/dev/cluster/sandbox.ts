/**
 * Namespaces for a node: its own processes, mounts, network, hostname and IPC, joined to the machine by one veth pair.
 * Whatever runs in it ends with it, and it ends with this process. Needs root on Linux.
 */
import { execFile } from 'node:child_process';
import { access, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { ChildSpec, ProcessGroup, SupervisedChild } from '../supervise.ts';
import { waitUntilReady } from '../wait-until-ready.ts';
import { cgroupFolders, createCgroup } from './cgroups.ts';
import { configureNetwork, joinNetwork, type NodeNetwork } from './node-network.ts';
import { startSweeper } from './sweeper.ts';

const INIT = path.join(import.meta.dirname, 'sandbox-init.sh');
/** A dozen mounts. */
const READY_TIMEOUT_MS = 10_000;
/** Of one command inside; unpacking an image of some 100 MB is the longest. */
const COMMAND_TIMEOUT_MS = 120_000;

/** A folder of the machine (`from`) that the node sees at `to`, which is created where it can be. */
export interface FolderBind {
  readonly from: string;
  readonly to: string;
}

export interface SandboxOptions {
  /**
   * Removed with the sandbox, whatever is in it. In its subfolder `node` is what the node keeps on disk; from outside that
   * may look empty. Not below /run, /etc, /var/lib or /var/log, which the node does not see as the machine does.
   */
  readonly directory: string;
  readonly hostname: string;
  /** Owns the sandbox's processes and their logs. */
  readonly processes: ProcessGroup;
  /** Environment of everything that runs inside. */
  readonly env: Readonly<Record<string, string>>;
  readonly binds: readonly FolderBind[];
}

export interface Sandbox {
  /** Of the node; the machine reaches it there. */
  readonly address: string;
  /** Name of the node's cgroup. */
  readonly cgroup: string;
  /** By which `runInside` finds the sandbox. */
  readonly pid: number;
  /** Starts a process inside. */
  readonly start: (spec: ChildSpec) => Promise<SupervisedChild>;
  /** Runs a command inside to its end; answers what it printed. Throws with what it complained about. */
  readonly run: (command: string, args: readonly string[]) => Promise<string>;
  /** Ends all processes inside and removes everything that the sandbox put on the machine. Twice is harmless. */
  readonly close: () => Promise<void>;
}

/** Throws, with nothing left behind, where the machine does not allow it. */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { directory } = options;
  await mkdir(directory, { recursive: true });
  const sweeper = startSweeper();
  sweeper.tell('directory', directory);
  const init = await startInit(options).catch(async (error: unknown) => {
    await sweeper.finish();
    throw error;
  });
  const close = async (): Promise<void> => {
    // Its end is the end of all processes in its namespaces: the kernel sees to that.
    await init.stop();
    await sweeper.finish();
  };
  try {
    sweeper.tell('process', String(init.pid));
    await waitUntilReady(init, () => exists(path.join(directory, 'ready')), READY_TIMEOUT_MS);
    const network = await joinNetwork(init.pid);
    sweeper.tell('link', network.name);
    for (const folder of await cgroupFolders(network.name)) {
      sweeper.tell('cgroup', folder);
      await createCgroup(folder);
    }
    const sandbox = enterable(init.pid, network, options, close);
    await configureNetwork(network, sandbox.run);
    return sandbox;
  } catch (error) {
    await close();
    throw error;
  }
}

function enterable(
  pid: number,
  network: NodeNetwork,
  { env, processes }: SandboxOptions,
  close: () => Promise<void>,
): Sandbox {
  return {
    address: network.address,
    cgroup: network.name,
    pid,
    start: (spec) => {
      const args = [...entering(pid), spec.command, ...spec.args];
      return processes.start({ ...spec, command: 'nsenter', args, env: { ...env, ...spec.env } });
    },
    run: (command, args) => runInside({ pid, env }, command, args),
    close,
  };
}

/** As a sandbox's `run`, also from another process than the one that opened it. */
export async function runInside(
  { pid, env }: { readonly pid: number; readonly env: Readonly<Record<string, string>> },
  command: string,
  args: readonly string[],
): Promise<string> {
  const limits = { env: { ...process.env, ...env }, timeout: COMMAND_TIMEOUT_MS };
  return (await promisify(execFile)('nsenter', [...entering(pid), command, ...args], limits)).stdout;
}

/** `unshare` itself is in all of the namespaces but the one of processes, which only its children are in. */
function entering(pid: number): string[] {
  const namespaces = ['--mount', '--net', '--uts', '--ipc', `--pid=/proc/${String(pid)}/ns/pid_for_children`];
  return ['--target', String(pid), ...namespaces, '--'];
}

function startInit({ directory, hostname, binds, processes }: SandboxOptions): Promise<SupervisedChild> {
  const namespaces = ['--mount', '--net', '--pid', '--uts', '--ipc', '--fork', '--mount-proc', '--kill-child'];
  const folders = binds.flatMap(({ from, to }) => [from, to]);
  return processes.start({
    name: 'sandbox',
    command: 'unshare',
    args: [...namespaces, 'sh', INIT, directory, hostname, ...folders],
  });
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
