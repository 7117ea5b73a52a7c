/**
 * A real Kubernetes cluster of one node with real pods, without Docker, registry or internet. Needs root on Linux. All of
 * it runs in namespaces of its own, and it leaves nothing on the machine.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { acquireTools } from '../acquire-tool.ts';
import { localToolSources } from '../local-tool-sources.ts';
import { describeExit, supervise, type ExitReport } from '../supervise.ts';
import { acquireNodePrograms } from './node-programs.ts';
import { openSandbox, type FolderBind } from './sandbox.ts';
import { CLUSTER_TOOLS, NODE_NAME, startServers } from './start-servers.ts';
import { importImage } from './start-containerd.ts';

export interface LocalClusterOptions {
  /** Tar files of images (docker's format or OCI) that pods may use, with `imagePullPolicy: IfNotPresent` or `Never`. */
  readonly images?: readonly string[];
  /** Removed at the end, whatever is in it. A new folder for temporary files when unset. */
  readonly workDirectory?: string;
  /** One file per process; kept at the end. In `workDirectory`, and so not kept, when unset. */
  readonly logDirectory?: string;
  /** Folders of the machine that the node, and so `hostPath` volumes, see elsewhere. */
  readonly binds?: readonly FolderBind[];
  readonly log?: (line: string) => void;
  /** Ends downloads and builds, and the start. */
  readonly signal?: AbortSignal;
}

export interface LocalCluster {
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  readonly nodeName: string;
  readonly logDirectory: string;
  /** By which `runInside` finds the node. */
  readonly pid: number;
  /** Afterwards pods may use the image in this tar file. */
  loadImage(tarFile: string): Promise<void>;
  /** Afterwards no process, mount, network interface, cgroup or file is left. Twice is harmless. */
  stop(): Promise<void>;
}

/** Resolves when pods can be created: the node is ready, Services have addresses and names, images are loaded. */
export async function startLocalCluster(options: LocalClusterOptions = {}): Promise<LocalCluster> {
  const { binds = [], images = [], log = console.log, signal } = options;
  const sources = localToolSources(log, signal);
  const tools = await acquireTools(CLUSTER_TOOLS, sources);
  const programs = await acquireNodePrograms(sources, signal);

  const directory = options.workDirectory ?? (await mkdtemp(path.join(tmpdir(), 'memhp-cluster-')));
  const logDirectory = options.logDirectory ?? path.join(directory, 'logs');
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined); // nobody may be waiting
  let isStopping = false;
  const onUnexpectedExit = (report: ExitReport): void => {
    if (isStopping) return;
    const what = describeExit(report);
    log(`cluster: ${what}`);
    failed.reject(new Error(what));
  };
  const abort = (): void => {
    failed.reject(signal?.reason as Error);
  };
  signal?.addEventListener('abort', abort, { once: true });
  const processes = supervise({ logDirectory, onUnexpectedExit });
  const hostname = NODE_NAME;
  const sandbox = await openSandbox({ directory, hostname, processes, env: programs.env, binds }).catch(
    async (error: unknown) => {
      await processes.stopAll();
      throw error;
    },
  );
  const stop = async (): Promise<void> => {
    isStopping = true;
    await sandbox.close();
    await processes.stopAll();
  };
  try {
    signal?.throwIfAborted();
    const starting = startServers({ directory, images, log, programs, sandbox, tools });
    const kubeconfig = await Promise.race([starting, failed.promise]);
    const loadImage = (tarFile: string): Promise<void> => importImage(sandbox, tarFile);
    return { kubeconfig, nodeName: NODE_NAME, logDirectory, pid: sandbox.pid, loadImage, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
