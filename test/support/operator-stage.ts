/**
 * The whole road for integration tests: etcd, kube-apiserver, Temporal, real operator processes and an agent of simulated
 * nodes, with kubectl and the looks behind the scenes that a test needs.
 *
 * The shared stage of a mocha process is started by the first test that asks and stopped by a root hook. Tests that
 * share it keep to nodes of their own (`createNode`), so that they are independent of each other and of their order.
 * A test that breaks something opens a private one.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Client } from '@temporalio/client';
import { after } from 'mocha';
import { LOCK_TABLE_QUERY, type LockTableView } from '../../src/contract/locks.ts';
import { memoryBlockName, nodeLocksWorkflowId, operationWorkflowId } from '../../src/contract/names.ts';
import type {
  Condition,
  MemoryBlock,
  MemoryBlockSpec,
  MemoryBlockStatus,
  MemoryNotifierSpec,
  NodeMemory,
  NodeMemorySpec,
} from '../../src/contract/resources.ts';
import { startLocalEnvironment, type LocalEnvironment } from '../../src/dev/local-environment.ts';
import { describeExit, type ExitReport, type SupervisedChild } from '../../src/dev/supervise.ts';
import type { Effect, SimulatedState } from '../../src/drivers/simulated/state.ts';
import { isNotFound } from '../../src/k8s/api-error.ts';
import { apiRequest } from '../../src/k8s/api-request.ts';
import { clusterId } from '../../src/k8s/cluster-id.ts';
import { loadKubeConfig } from '../../src/k8s/kube-config.ts';
import { MEMORY_BLOCKS, NODE_MEMORIES, type ResourceKind } from '../../src/k8s/resource-kind.ts';
import { connectTemporal, type TemporalConnections } from '../../src/temporal/connect-temporal.ts';
import { eventually, type EventuallyOptions } from './eventually.ts';
import { createKubectl, type Kubectl } from './kubectl.ts';
import { installTestRuntime } from './test-runtime.ts';

/** One block of DMA32, three of Normal and four of Movable memory; everything from block 8 on is free to be added. */
export const SMALL_LAYOUT: NodeMemorySpec = {
  simulated: {
    blockSize: '128Mi',
    maxBlockId: 63,
    blocks: [
      { range: '0', state: 'online', zone: 'DMA32' },
      { range: '1-3', state: 'online', zone: 'Normal' },
      { range: '4-7', state: 'online', zone: 'Movable' },
    ],
  },
};

export interface OperatorStageOptions {
  /** How many operators, named `operator-1` and so on. Two, so that every test also meets a second replica. */
  readonly operators?: number;
  /** Yours alone and yours to stop; processes may die in it. */
  readonly private?: boolean;
}

/** What a test says about a MemoryBlock; the API server fills in the rest. */
export interface BlockManifest extends Partial<MemoryBlockSpec> {
  readonly nodeName: string;
  readonly blockId: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What a test says about a MemoryNotifier; the API server fills in the rest. */
export type NotifierManifest = Partial<MemoryNotifierSpec> & Pick<MemoryNotifierSpec, 'plugin'>;

/** An event as `kubectl get events` shows it. */
export interface SeenEvent {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

/** One run of an operation workflow, as Temporal's visibility lists it. */
export interface SeenOperation {
  readonly workflowId: string;
  readonly runId: string;
  /** Workflow type: `onlineMemory`. */
  readonly type: string;
  /** `RUNNING`, `COMPLETED` … */
  readonly status: string;
}

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

export class OperatorStage {
  readonly environment: LocalEnvironment;
  /** kubectl as the administrator. */
  readonly kubectl: Kubectl;
  readonly clusterId: string;
  /** Processes that ended without being asked to; a failpoint's kill counts as well. */
  readonly unexpectedExits: ExitReport[];
  readonly #directory: string;
  readonly #kubeConfig: KubeConfig;
  readonly #temporal: TemporalConnections;
  readonly #processes = new Map<string, SupervisedChild>();

  private constructor(parts: Parts) {
    this.environment = parts.environment;
    this.clusterId = parts.clusterId;
    this.unexpectedExits = parts.unexpectedExits;
    this.#directory = parts.directory;
    this.#kubeConfig = parts.kubeConfig;
    this.#temporal = parts.temporal;
    this.kubectl = createKubectl(parts.environment.tools.kubectl, parts.environment.controlPlane.kubeconfig);
  }

  static async open({ operators = 2 }: OperatorStageOptions): Promise<OperatorStage> {
    const directory = await mkdtemp(path.join(tmpdir(), 'memhp-stage-'));
    const unexpectedExits: ExitReport[] = [];
    const onUnexpectedExit = (report: ExitReport): number => unexpectedExits.push(report);
    const environment = await startLocalEnvironment({ directory, headless: true, onUnexpectedExit });
    try {
      const kubeConfig = loadKubeConfig({ kubeconfig: environment.controlPlane.kubeconfig });
      const overrides = { address: environment.temporal.address };
      const temporal = await connectTemporal(installTestRuntime(), new AbortController().signal, overrides);
      const parts = { environment, unexpectedExits, directory, kubeConfig, temporal };
      const stage = new OperatorStage({ ...parts, clusterId: await clusterId(kubeConfig) });
      const names = Array.from({ length: operators }, (_, index) => `operator-${String(index + 1)}`);
      await Promise.all([...names.map((name) => stage.startOperator(name)), stage.startAgent()]);
      return stage;
    } catch (error) {
      await environment.stop();
      throw error;
    }
  }

  /** Stops every process and deletes all that they left. */
  async close(): Promise<void> {
    await this.#temporal.close();
    await this.environment.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** A client of the Temporal server, for histories and visibility. */
  get temporal(): Client {
    return this.#temporal.client;
  }

  /** Resolves when it works: its copies of the cluster are complete. */
  async startOperator(name: string, env: Readonly<Record<string, string>> = {}): Promise<SupervisedChild> {
    const seen = (await this.log(name)).length;
    const operator = await this.environment.startOperator({ name, env });
    this.#processes.set(name, operator);
    await eventually(`${name} watches every kind`, async () => {
      if (!operator.isRunning) throw new Error(describeExit(await operator.exited));
      const lines = (await this.log(name)).slice(seen);
      return lines.filter(({ message }) => message === 'watching').length >= 4;
    });
    return operator;
  }

  async startAgent(name = 'agent', env: Readonly<Record<string, string>> = {}): Promise<SupervisedChild> {
    const agent = await this.environment.startAgent({ name, env });
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

  /** A simulated node that an agent serves. `spec.simulated` is laid over SMALL_LAYOUT's. */
  async createNode(name: string, { simulated, ...spec }: NodeMemorySpec = {}): Promise<string> {
    const merged = { ...spec, simulated: { ...SMALL_LAYOUT.simulated, ...simulated } };
    await this.#apply({ ...typeOf(NODE_MEMORIES), metadata: { name }, spec: merged });
    await eventually(`the agent serves ${name}`, async () => {
      const status = (await this.node(name))?.status;
      return status?.conditions?.some((condition) => condition.type === 'AgentReady' && condition.status === 'True');
    });
    return name;
  }

  /** Changes how a simulated node behaves, from its next driver step on. */
  async behave(node: string, simulated: NonNullable<NodeMemorySpec['simulated']>): Promise<void> {
    await this.#patch(`nmem/${node}`, { spec: { simulated } });
  }

  /** `kubectl apply` of a MemoryBlock; answers its name. */
  async applyBlock({ labels, annotations, ...spec }: BlockManifest): Promise<string> {
    const name = memoryBlockName(spec.nodeName, spec.blockId);
    const metadata = { name, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) };
    await this.#apply({ ...typeOf(MEMORY_BLOCKS), metadata, spec });
    return name;
  }

  /** `kubectl patch` of a MemoryBlock's spec. */
  async editBlock(
    name: string,
    spec: { readonly [K in keyof MemoryBlockSpec]?: MemoryBlockSpec[K] | null },
  ): Promise<void> {
    await this.#patch(`mb/${name}`, { spec });
  }

  async applyNotifier(name: string, spec: NotifierManifest): Promise<string> {
    await this.#apply({ apiVersion: 'memoryhotplug.io/v1alpha1', kind: 'MemoryNotifier', metadata: { name }, spec });
    return name;
  }

  /** Undefined when there is no such object. */
  block(name: string): Promise<MemoryBlock | undefined> {
    return this.#get<MemoryBlock>(MEMORY_BLOCKS, name);
  }

  /** Undefined when there is no such object. */
  node(name: string): Promise<NodeMemory | undefined> {
    return this.#get<NodeMemory>(NODE_MEMORIES, name);
  }

  /** Empty when there is none, or no such object. */
  async blockStatus(name: string): Promise<MemoryBlockStatus> {
    return (await this.block(name))?.status ?? {};
  }

  /** `kubectl wait --for=condition=Ready`, which fails after `limitSeconds`. */
  async waitReady(name: string, limitSeconds = 20): Promise<void> {
    await this.kubectl.succeed(['wait', '--for=condition=Ready', `--timeout=${String(limitSeconds)}s`, `mb/${name}`]);
  }

  /** The status, once its Ready condition is about the present spec and has this reason. */
  untilReason(name: string, reason: string, options?: EventuallyOptions): Promise<MemoryBlockStatus> {
    return this.untilBlock(
      name,
      `reason ${reason}`,
      ({ metadata, status }) => {
        const ready = readyOf(status);
        return ready?.reason === reason && ready.observedGeneration === metadata.generation;
      },
      options,
    );
  }

  /** The status, once `holds` of the object; failing, it says what the object looked like last. */
  async untilBlock(
    name: string,
    what: string,
    holds: (block: MemoryBlock) => boolean | undefined,
    options?: EventuallyOptions,
  ): Promise<MemoryBlockStatus> {
    let last: MemoryBlock | undefined;
    try {
      return await eventually(
        `${name}: ${what}`,
        async () => {
          last = await this.block(name);
          return last && holds(last) ? (last.status ?? {}) : undefined;
        },
        options,
      );
    } catch (error) {
      throw new Error(`${(error as Error).message}; it was ${JSON.stringify(last, undefined, 1)}`, { cause: error });
    }
  }

  /** Resolves when the object is gone. */
  async untilGone(name: string, options?: EventuallyOptions): Promise<void> {
    await eventually(`${name} is gone`, async () => (await this.block(name)) === undefined, options);
  }

  /** Every real change of a node's blocks, oldest first. */
  async effects(node: string): Promise<readonly Effect[]> {
    const file = path.join(this.environment.nodesDirectory, node, 'effects.jsonl');
    if (!existsSync(file)) return [];
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Effect);
  }

  /** The changes of one block: `created`, `pages-online` … */
  async effectsOf(node: string, blockId: number): Promise<readonly Effect['change'][]> {
    return (await this.effects(node)).filter((effect) => effect.blockId === blockId).map(({ change }) => change);
  }

  /** What the node really is, whatever the cluster says. */
  async nodeState(node: string): Promise<SimulatedState> {
    const file = path.join(this.environment.nodesDirectory, node, 'state.json');
    return JSON.parse(await readFile(file, 'utf8')) as SimulatedState;
  }

  /** Acts on the node behind the operator's back: `byHand(node, 'memory8', 'offline')`, `byHand(node, 'reboot')`. */
  async byHand(node: string, file: string, word = ''): Promise<void> {
    await writeFile(path.join(this.environment.nodesDirectory, node, 'by-hand', file), word);
  }

  /** Events about an object, in the order in which they happened. */
  async events(name: string): Promise<readonly SeenEvent[]> {
    const query = { fieldSelector: `involvedObject.name=${name}` };
    const answer = await apiRequest(this.#kubeConfig, {
      method: 'GET',
      path: '/api/v1/namespaces/default/events',
      query,
    });
    const { items } = answer as { items: (SeenEvent & { eventTime: string })[] };
    return items
      .sort((one, other) => (one.eventTime < other.eventTime ? -1 : 1))
      .map(({ type, reason, message }) => ({ type, reason, message }));
  }

  /** Runs that Temporal's visibility lists for a query such as `NodeName="x"`, oldest first. */
  async operations(query: string): Promise<readonly SeenOperation[]> {
    const found = await Array.fromAsync(this.temporal.workflow.list({ query }));
    return found
      .sort((one, other) => one.startTime.getTime() - other.startTime.getTime())
      .map(({ workflowId, runId, type, status }) => ({ workflowId, runId, type, status: status.name }));
  }

  operationId(node: string, blockId: number): string {
    return operationWorkflowId(this.clusterId, node, blockId);
  }

  /** Who holds and who waits on a node; empty while nobody has ever asked for a lock there. */
  async lockTable(node: string): Promise<LockTableView['locks']> {
    const handle = this.temporal.workflow.getHandle(nodeLocksWorkflowId(this.clusterId, node));
    return (await handle.query<LockTableView>(LOCK_TABLE_QUERY)).locks;
  }

  async #apply(manifest: object): Promise<void> {
    await this.kubectl.succeed(['apply', '-f', '-'], manifest);
  }

  async #patch(object: string, patch: object): Promise<void> {
    await this.kubectl.succeed(['patch', object, '--type=merge', '-p', JSON.stringify(patch)]);
  }

  async #get<T>({ path: collection }: ResourceKind, name: string): Promise<T | undefined> {
    try {
      return (await apiRequest(this.#kubeConfig, { method: 'GET', path: `${collection}/${name}` })) as T;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
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

export function readyOf(status: MemoryBlockStatus | undefined): Condition | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

function typeOf({ apiVersion, kind }: ResourceKind): Pick<ResourceKind, 'apiVersion' | 'kind'> {
  return { apiVersion, kind };
}
