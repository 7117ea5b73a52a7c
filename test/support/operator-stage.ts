/**
 * The whole road for integration tests: etcd, kube-apiserver, Temporal, real operator processes and an agent of simulated
 * nodes, with kubectl and the looks behind the scenes that a test needs.
 *
 * The shared stage of a mocha process is started by the first test that asks and stopped by a root hook. Tests that
 * share it keep to nodes of their own (`createNode`), so that they are independent of each other and of their order.
 * A test that breaks something opens a private one.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KubeConfig } from '@kubernetes/client-node';
import { after } from 'mocha';
import { startLocalEnvironment, type LocalEnvironment } from '../../src/dev/local-environment.ts';
import { describeExit, type ExitReport, type SupervisedChild } from '../../src/dev/supervise.ts';
import { clusterId } from '../../src/k8s/cluster-id.ts';
import { loadKubeConfig } from '../../src/k8s/kube-config.ts';
import { connectTemporal, type TemporalConnections } from '../../src/temporal/connect-temporal.ts';
import { eventually } from './eventually.ts';
import { createKubectl } from './kubectl.ts';
import { localNodeFiles } from './node-files.ts';
import { OperatedCluster } from './operated-cluster.ts';
import { installTestRuntime } from './test-runtime.ts';

export interface OperatorStageOptions {
  /** How many operators, named `operator-1` and so on. Two, so that every test also meets a second replica. */
  readonly operators?: number;
  /** Yours alone and yours to stop; processes may die in it. */
  readonly private?: boolean;
}

/** Every operator has to know a plugin that is registered: any of them may be the one to call it. */
const PLUGINS = [
  new URL('counting-plugin.ts', import.meta.url),
  new URL('scripted-plugin.ts', import.meta.url),
  new URL('../plugins/fixtures/misbehaving.ts', import.meta.url),
].flatMap((file) => ['--plugin', fileURLToPath(file)]);

/** 3 s alone; several stages start at once. */
const START_LIMIT_MS = 45_000;

let shared: Promise<OperatorStage> | undefined;

/** Allow 60 s when you call it first. Options count only for a private stage. */
export function openOperatorStage(options: OperatorStageOptions = {}): Promise<OperatorStage> {
  if (options.private) return OperatorStage.open(options);
  shared ??= OperatorStage.open({});
  return shared;
}

after('stop the shared operator stage', async function () {
  this.timeout(60_000);
  // Where the start failed, the test that asked has told so, and nothing runs.
  const stage = await shared?.catch(() => undefined);
  await stage?.close();
  const [died] = stage?.unexpectedExits ?? [];
  if (died) throw new Error(describeExit(died));
});

export class OperatorStage extends OperatedCluster {
  readonly environment: LocalEnvironment;
  /** Processes that ended without being asked to; a failpoint's kill counts as well. */
  readonly unexpectedExits: ExitReport[];
  readonly #directory: string;
  readonly #connections: TemporalConnections;
  readonly #processes = new Map<string, SupervisedChild>();

  private constructor(parts: Parts) {
    const { environment, temporal, ...more } = parts;
    const { nodesDirectory, tools, controlPlane } = environment;
    const kubectl = createKubectl(tools.kubectl, controlPlane.kubeconfig);
    super({ ...more, kubectl, nodeFiles: localNodeFiles(nodesDirectory), temporal: temporal.client });
    this.environment = environment;
    this.unexpectedExits = parts.unexpectedExits;
    this.#directory = parts.directory;
    this.#connections = temporal;
  }

  static async open({ operators = 2 }: OperatorStageOptions): Promise<OperatorStage> {
    const directory = await mkdtemp(path.join(tmpdir(), 'memhp-stage-'));
    const unexpectedExits: ExitReport[] = [];
    const onUnexpectedExit = (report: ExitReport): number => unexpectedExits.push(report);
    const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
    const starting = startLocalEnvironment({ directory, headless: true, onUnexpectedExit });
    const environment = await starting.catch(async (error: unknown) => {
      await remove();
      throw error;
    });
    try {
      const kubeConfig = loadKubeConfig({ kubeconfig: environment.controlPlane.kubeconfig });
      const overrides = { address: environment.temporal.address };
      const temporal = await connectTemporal(installTestRuntime(), new AbortController().signal, overrides);
      if (!temporal) throw new Error('connecting was given up');
      const parts = { environment, unexpectedExits, directory, kubeConfig, temporal };
      const stage = new OperatorStage({ ...parts, clusterId: await clusterId(kubeConfig) });
      const names = Array.from({ length: operators }, (_, index) => `operator-${String(index + 1)}`);
      await Promise.all([...names.map((name) => stage.startOperator(name)), stage.startAgent()]);
      return stage;
    } catch (error) {
      await environment.stop();
      await remove();
      throw error;
    }
  }

  /** Stops every process and deletes all that they left. */
  async close(): Promise<void> {
    await this.#connections.close();
    await this.environment.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** Resolves when it works: its copies of the cluster are complete. */
  async startOperator(name: string, env: Readonly<Record<string, string>> = {}): Promise<SupervisedChild> {
    const seen = (await this.log(name)).length;
    const operator = await this.environment.startOperator({ name, env, args: PLUGINS });
    this.#processes.set(name, operator);
    await eventually(
      `${name} watches every kind`,
      async () => {
        if (!operator.isRunning) throw new Error(describeExit(await operator.exited));
        const lines = (await this.log(name)).slice(seen);
        return lines.filter(({ message }) => message === 'watching').length >= 4;
      },
      { limitMs: START_LIMIT_MS },
    );
    return operator;
  }

  /** Of simulated nodes, unless `args` say otherwise. */
  async startAgent(
    name = 'agent',
    env: Readonly<Record<string, string>> = {},
    args: readonly string[] = [],
  ): Promise<SupervisedChild> {
    const agent = await this.environment.startAgent({ name, env, args });
    this.#processes.set(name, agent);
    return agent;
  }

  /** The process that was last started under this name. */
  process(name: string): SupervisedChild {
    const child = this.#processes.get(name);
    if (!child) throw new Error(`no process ${name} was started`);
    return child;
  }

  /** Lines that a process has logged, over all its restarts; those that are not JSON are left out. */
  async log(name: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const file = path.join(this.#directory, 'logs', `${name}.log`);
    if (!existsSync(file)) return [];
    const lines = (await readFile(file, 'utf8')).split('\n');
    return lines
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as object as Record<string, unknown>);
  }
}

interface Parts {
  readonly environment: LocalEnvironment;
  readonly clusterId: string;
  readonly unexpectedExits: ExitReport[];
  readonly directory: string;
  readonly kubeConfig: KubeConfig;
  readonly temporal: TemporalConnections;
}
