/**
 * Servers, operators and agents of one test file's own, to be killed and started again; simulated nodes to work on, and
 * the questions that every fault test asks afterwards.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection, type WorkflowExecutionInfo } from '@temporalio/client';
import { LOCK_TABLE_QUERY, type LockTableView } from '../../src/contract/locks.ts';
import { memoryBlockName, nodeLocksWorkflowId, operationWorkflowId } from '../../src/contract/names.ts';
import type {
  MemoryBlock,
  MemoryBlockSpec,
  MemoryBlockStatus,
  NodeMemory,
  SimulatedSpec,
} from '../../src/contract/resources.ts';
import { startLocalEnvironment, type LocalEnvironment } from '../../src/dev/local-environment.ts';
import type { SupervisedChild } from '../../src/dev/supervise.ts';
import type { Effect } from '../../src/drivers/simulated/state.ts';
import { clusterId } from '../../src/k8s/cluster-id.ts';
import { loadKubeConfig } from '../../src/k8s/kube-config.ts';
import { eventually } from './eventually.ts';
import { createKubectl, type Kubectl } from './kubectl.ts';

/** 32 is offline, 24-31 are online and movable; all else that a node needs to boot. */
const LAYOUT: SimulatedSpec = {
  blockSize: '128Mi',
  maxBlockId: 63,
  blocks: [
    { range: '0-7', state: 'online', zone: 'Normal' },
    { range: '24-31', state: 'online', zone: 'Movable' },
    { range: '32-35', state: 'offline' },
  ],
};

type BlockWishes = Partial<Omit<MemoryBlockSpec, 'nodeName' | 'blockId'>>;

export class FaultStage {
  readonly directory: string;
  readonly environment: LocalEnvironment;
  readonly kubectl: Kubectl;
  readonly client: Client;
  readonly cluster: string;

  private constructor(directory: string, environment: LocalEnvironment, client: Client, cluster: string) {
    this.directory = directory;
    this.environment = environment;
    this.kubectl = createKubectl(environment.tools.kubectl, environment.controlPlane.kubeconfig);
    this.client = client;
    this.cluster = cluster;
  }

  /** Servers and an agent; no operator. Allow 60 s. */
  static async open(): Promise<FaultStage> {
    const directory = await mkdtemp(path.join(tmpdir(), 'memhp-faults-'));
    const environment = await startLocalEnvironment({ directory, headless: true });
    const { address, namespace } = environment.temporal;
    const connection = await Connection.connect({ address });
    const kubeConfig = loadKubeConfig({ kubeconfig: environment.controlPlane.kubeconfig });
    return new FaultStage(directory, environment, new Client({ connection, namespace }), await clusterId(kubeConfig));
  }

  async close(): Promise<void> {
    await this.client.connection.close();
    await this.environment.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** `failpoint` as in src/operator/failpoints.ts, without its file. */
  startOperator(name: string, failpoint?: string): Promise<SupervisedChild> {
    const marker = path.join(this.directory, `${name}.failpoint`);
    const env = failpoint === undefined ? {} : { MEMHP_FAILPOINTS: `${failpoint}=${marker}` };
    return this.environment.startOperator({ name, env });
  }

  startAgent(name = 'agent'): Promise<SupervisedChild> {
    return this.environment.startAgent({ name });
  }

  /** A simulated node; resolves when its agent serves it. */
  async createNode(name: string, simulated: SimulatedSpec = {}): Promise<void> {
    const spec = { autoOnline: 'offline', simulated: { ...LAYOUT, ...simulated } };
    await this.apply({ kind: 'NodeMemory', metadata: { name }, spec });
    await eventually(`${name} is served`, async () => (await this.node(name)).status?.bootId !== undefined);
  }

  async applyBlock(nodeName: string, blockId: number, wishes: BlockWishes): Promise<void> {
    const metadata = { name: memoryBlockName(nodeName, blockId) };
    await this.apply({ kind: 'MemoryBlock', metadata, spec: { nodeName, blockId, ...wishes } });
  }

  /** A plugin that agrees to everything, so that each action of the chain has somebody to ask. */
  async registerAgreeingNotifier(): Promise<void> {
    const spec = { plugin: { name: 'fault-injection', config: {} } };
    await this.apply({ kind: 'MemoryNotifier', metadata: { name: 'agrees' }, spec });
  }

  async node(name: string): Promise<NodeMemory> {
    return JSON.parse(await this.kubectl.succeed(['get', `nmem/${name}`, '-o', 'json'])) as NodeMemory;
  }

  async block(nodeName: string, blockId: number): Promise<MemoryBlock> {
    const name = memoryBlockName(nodeName, blockId);
    return JSON.parse(await this.kubectl.succeed(['get', `mb/${name}`, '-o', 'json'])) as MemoryBlock;
  }

  /** Waits until the block's status is as `holds` says, and returns it. */
  async untilStatus(
    what: string,
    [nodeName, blockId]: readonly [string, number],
    holds: (status: MemoryBlockStatus) => boolean,
    limitMs = 40_000,
  ): Promise<MemoryBlockStatus> {
    const look = async (): Promise<MemoryBlockStatus | undefined> => {
      const { status } = await this.block(nodeName, blockId);
      return status && holds(status) ? status : undefined;
    };
    return eventually(`${nodeName} memory${String(blockId)} ${what}`, look, { limitMs, everyMs: 200 });
  }

  untilReady(block: readonly [string, number], limitMs?: number): Promise<MemoryBlockStatus> {
    const isReady = ({ conditions, operation }: MemoryBlockStatus): boolean =>
      operation === undefined && conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
    return this.untilStatus('is Ready', block, isReady, limitMs);
  }

  /** What was really done to the memory of `node`, oldest first. */
  async effects(node: string): Promise<readonly Effect[]> {
    const file = path.join(this.environment.nodesDirectory, node, 'effects.jsonl');
    if (!existsSync(file)) return [];
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as Effect);
  }

  async lockTable(node: string): Promise<LockTableView> {
    const handle = this.client.workflow.getHandle(nodeLocksWorkflowId(this.cluster, node));
    return handle.query<LockTableView>(LOCK_TABLE_QUERY);
  }

  /** Every operation that was ever started for a block, oldest first. */
  async runs(node: string, blockId: number): Promise<readonly WorkflowExecutionInfo[]> {
    const query = `WorkflowId = "${operationWorkflowId(this.cluster, node, blockId)}"`;
    const runs = await Array.fromAsync(this.client.workflow.list({ query }));
    return runs.sort((one, other) => one.startTime.getTime() - other.startTime.getTime());
  }

  private async apply(object: { kind: string; metadata: { name: string }; spec: object }): Promise<void> {
    await this.kubectl.succeed(['apply', '-f', '-'], { apiVersion: 'memoryhotplug.io/v1alpha1', ...object });
  }
}
