/** Everything at once on one machine: etcd, kube-apiserver, Temporal, operators, and an agent of simulated nodes. */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { workflowBundle } from '../temporal/workflow-bundle.ts';
import { acquireTools, type ToolPaths } from './acquire-tool.ts';
import { startControlPlane, type ControlPlane } from './start-control-plane.ts';
import { startTemporal, type TemporalServer } from './start-temporal.ts';
import { supervise, type ExitReport, type ProcessGroup, type SupervisedChild } from './supervise.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MEMHP = fileURLToPath(new URL('../cli/memhp.ts', import.meta.url));
const CRDS = path.join(ROOT, 'crds');

export interface LocalEnvironmentOptions {
  /** Holds everything: state of the servers and of simulated nodes, kubeconfig, logs. */
  readonly directory: string;
  /** Without the Temporal UI. */
  readonly headless?: boolean;
  readonly onUnexpectedExit?: (report: ExitReport) => void;
  /** Told as the servers become ready, in any order. */
  readonly onReady?: (what: string) => void;
  /** Ends a start that is under way, which then throws the signal's reason. Afterwards it has no effect. */
  readonly signal?: AbortSignal;
}

export interface StartProcessOptions {
  /** Names the process and its log file; `operator-1`. */
  readonly name: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

/** The servers are up and the CRDs are installed; operators and agents are started one by one. */
export interface LocalEnvironment {
  readonly tools: ToolPaths<'etcd' | 'kube-apiserver' | 'kubectl' | 'temporal'>;
  readonly processes: ProcessGroup;
  readonly controlPlane: ControlPlane;
  readonly temporal: TemporalServer;
  /** Where simulated nodes keep their state: `<here>/<node>/`. */
  readonly nodesDirectory: string;
  /** KUBECONFIG and TEMPORAL_ADDRESS: what every process of ours, and kubectl, needs to find the servers. */
  readonly env: Readonly<Record<string, string>>;
  startOperator(options: StartProcessOptions): Promise<SupervisedChild>;
  startAgent(options: StartProcessOptions): Promise<SupervisedChild>;
  stop(): Promise<void>;
}

/** Starts the servers side by side. On a failure nothing is left running. */
export async function startLocalEnvironment(options: LocalEnvironmentOptions): Promise<LocalEnvironment> {
  const { directory, onUnexpectedExit, signal } = options;
  await mkdir(directory, { recursive: true });
  const tools = await acquireTools(['etcd', 'kube-apiserver', 'kubectl', 'temporal']);
  const logDirectory = path.join(directory, 'logs');
  const processes = supervise({ logDirectory, ...(onUnexpectedExit ? { onUnexpectedExit } : {}) });
  const stop = (): void => void processes.stopAll();
  const ready =
    (what: string) =>
    <Server>(server: Server): Server => {
      options.onReady?.(what);
      return server;
    };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    signal?.throwIfAborted();
    const [controlPlane, temporal] = await Promise.all([
      startControlPlane({ tools, processes, stateDirectory: path.join(directory, 'kubernetes') }).then(
        ready('etcd and kube-apiserver'),
      ),
      startTemporal({
        tools,
        processes,
        stateDirectory: path.join(directory, 'temporal'),
        ...(options.headless ? { headless: true } : {}),
      }).then(ready('Temporal and its UI')),
      // Built by now, so that two operators do not both build it.
      workflowBundle(),
    ]);
    await installKinds(tools.kubectl, controlPlane.kubeconfig);
    signal?.throwIfAborted();
    return environmentOf({ directory, tools, processes, controlPlane, temporal });
  } catch (error) {
    await processes.stopAll();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

type Started = Pick<LocalEnvironment, 'tools' | 'processes' | 'controlPlane' | 'temporal'> & { directory: string };

function environmentOf(started: Started): LocalEnvironment {
  const { directory, processes, controlPlane, temporal } = started;
  const nodesDirectory = path.join(directory, 'nodes');
  const env = { KUBECONFIG: controlPlane.kubeconfig, TEMPORAL_ADDRESS: temporal.address };
  const start = (verb: readonly string[], { name, env: more, args = [] }: StartProcessOptions) =>
    processes.start({
      name,
      command: process.execPath,
      args: [MEMHP, ...verb, ...args],
      env: { ...env, ...more },
      cwd: ROOT,
    });
  return {
    ...started,
    nodesDirectory,
    env,
    // Several on one machine: each gets a free port, and logs which.
    startOperator: (options) => start(['operator', '--metrics-address', '127.0.0.1:0'], options),
    startAgent: (options) =>
      start(['agent', '--state-dir', nodesDirectory, '--metrics-address', '127.0.0.1:0'], options),
    stop: () => processes.stopAll(),
  };
}

async function installKinds(kubectl: string, kubeconfig: string): Promise<void> {
  const run = promisify(execFile);
  // Of its own: the user's kubectl must not remember for hours that this server once had no kinds of ours.
  const cache = path.join(path.dirname(kubeconfig), 'install-cache');
  const env = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: cache };
  await run(kubectl, ['apply', '--server-side', '-f', CRDS], { env });
  await run(kubectl, ['wait', '--for=condition=Established', '--timeout=30s', '-f', CRDS], { env });
}
