/**
 * A cluster with simulated nodes, as integration tests act on it and look at it: people's acts go through kubectl, looks
 * go straight to the API server and to the nodes' own files.
 */
import type { KubeConfig } from '@kubernetes/client-node';
import { memoryBlockName } from '../../src/contract/names.ts';
import type {
  Condition,
  MemoryBlock,
  MemoryBlockSpec,
  MemoryBlockStatus,
  MemoryNotifierSpec,
  NodeMemory,
  NodeMemorySpec,
} from '../../src/contract/resources.ts';
import type { Effect, SimulatedState } from '../../src/drivers/simulated/state.ts';
import { isNotFound } from '../../src/k8s/api-error.ts';
import { apiRequest } from '../../src/k8s/api-request.ts';
import { MEMORY_BLOCKS, MEMORY_NOTIFIERS, NODE_MEMORIES, type ResourceKind } from '../../src/k8s/resource-kind.ts';
import { eventually, type EventuallyOptions } from './eventually.ts';
import type { Kubectl } from './kubectl.ts';
import type { NodeFiles } from './node-files.ts';

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

export interface SimulatedClusterOptions {
  /** As the administrator. */
  readonly kubectl: Kubectl;
  readonly kubeConfig: KubeConfig;
  /** What the agent keeps of its nodes. */
  readonly nodeFiles: NodeFiles;
}

export class SimulatedCluster {
  readonly kubectl: Kubectl;
  readonly kubeConfig: KubeConfig;
  readonly #nodeFiles: NodeFiles;

  constructor({ kubectl, kubeConfig, nodeFiles }: SimulatedClusterOptions) {
    this.kubectl = kubectl;
    this.kubeConfig = kubeConfig;
    this.#nodeFiles = nodeFiles;
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

  /** The node and everything about it go away, whatever state they are in; its blocks' finalizers fall with it. */
  async deleteNode(name: string): Promise<void> {
    const now = ['--wait=false', '--ignore-not-found'];
    await this.kubectl.succeed(['delete', `nmem/${name}`, ...now]);
    await this.kubectl.succeed(['delete', 'mb', `--field-selector=spec.nodeName=${name}`, ...now]);
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
    await this.#apply({ ...typeOf(MEMORY_NOTIFIERS), metadata: { name }, spec });
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
    const lines = (await this.#nodeFiles.read(node, 'effects.jsonl')) ?? '';
    const whole = lines.trimEnd().split('\n');
    return whole.filter((line) => line !== '').map((line) => JSON.parse(line) as Effect);
  }

  /** The changes of one block: `created`, `pages-online` … */
  async effectsOf(node: string, blockId: number): Promise<readonly Effect['change'][]> {
    return (await this.effects(node)).filter((effect) => effect.blockId === blockId).map(({ change }) => change);
  }

  /** What the node really is, whatever the cluster says. */
  async nodeState(node: string): Promise<SimulatedState> {
    const state = await this.#nodeFiles.read(node, 'state.json');
    if (state === undefined) throw new Error(`${node} has no state: no agent has ever served it`);
    return JSON.parse(state) as SimulatedState;
  }

  /** Acts on the node behind the operator's back: `byHand(node, 'memory8', 'offline')`, `byHand(node, 'reboot')`. */
  async byHand(node: string, file: string, word = ''): Promise<void> {
    await this.#nodeFiles.write(node, `by-hand/${file}`, word);
  }

  /** Events about an object, in the order in which they happened. */
  async events(name: string): Promise<readonly SeenEvent[]> {
    const query = { fieldSelector: `involvedObject.name=${name}` };
    const answer = await apiRequest(this.kubeConfig, {
      method: 'GET',
      path: '/api/v1/namespaces/default/events',
      query,
    });
    const { items } = answer as { items: (SeenEvent & { eventTime: string })[] };
    return items
      .sort((one, other) => (one.eventTime < other.eventTime ? -1 : 1))
      .map(({ type, reason, message }) => ({ type, reason, message }));
  }

  async #apply(manifest: object): Promise<void> {
    await this.kubectl.succeed(['apply', '-f', '-'], manifest);
  }

  async #patch(object: string, patch: object): Promise<void> {
    await this.kubectl.succeed(['patch', object, '--type=merge', '-p', JSON.stringify(patch)]);
  }

  async #get<T>({ path: collection }: ResourceKind, name: string): Promise<T | undefined> {
    try {
      return (await apiRequest(this.kubeConfig, { method: 'GET', path: `${collection}/${name}` })) as T;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

export function readyOf(status: MemoryBlockStatus | undefined): Condition | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

function typeOf({ apiVersion, kind }: ResourceKind): Pick<ResourceKind, 'apiVersion' | 'kind'> {
  return { apiVersion, kind };
}
