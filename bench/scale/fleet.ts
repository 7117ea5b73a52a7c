/** Simulated nodes and their MemoryBlocks, made and watched as a user's tool would. */
import type { KubeConfig } from '@kubernetes/client-node';
import { memoryBlockName } from '../../src/contract/names.ts';
import type { MemoryBlock, NodeMemory } from '../../src/contract/resources.ts';
import { apiRequest } from '../../src/k8s/api-request.ts';
import { MEMORY_BLOCKS, NODE_MEMORIES, type ResourceKind } from '../../src/k8s/resource-kind.ts';
import { SelfHealingInformer } from '../../src/k8s/self-healing-informer.ts';

/** Requests of this program in flight: enough to keep the API server busy, too few to be throttled by it. */
const CREATES_AT_ONCE = 16;
/** Blocks that each node boots with and that nobody touches. */
const BOOT_BLOCKS = 8;

export interface BlockOnNode {
  readonly node: string;
  readonly blockId: number;
}

export class Fleet {
  readonly #kubeConfig: KubeConfig;
  readonly #blocks: SelfHealingInformer<MemoryBlock>;
  readonly #nodes: SelfHealingInformer<NodeMemory>;
  #whenChanged = Promise.withResolvers<undefined>();

  constructor(kubeConfig: KubeConfig) {
    const onChange = (): void => {
      this.#whenChanged.resolve(undefined);
      this.#whenChanged = Promise.withResolvers();
    };
    this.#kubeConfig = kubeConfig;
    this.#blocks = new SelfHealingInformer({ kubeConfig, kind: MEMORY_BLOCKS, onChange });
    this.#nodes = new SelfHealingInformer({ kubeConfig, kind: NODE_MEMORIES, onChange });
    this.#blocks.start();
    this.#nodes.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#blocks.stop(), this.#nodes.stop()]);
  }

  /** Each boots with `blocks` blocks that are offline; resolves when the agent serves all of them. Answers these blocks. */
  async createNodes(names: readonly string[], blocks: number): Promise<readonly BlockOnNode[]> {
    const end = BOOT_BLOCKS + blocks - 1;
    const layout = [
      { range: `0-${String(BOOT_BLOCKS - 1)}`, state: 'online', zone: 'Normal' },
      { range: `${String(BOOT_BLOCKS)}-${String(end)}`, state: 'offline' },
    ];
    const spec = { simulated: { blockSize: '128Mi', maxBlockId: end, blocks: layout } };
    await inParallel(names, (name) => this.#create(NODE_MEMORIES, name, spec));
    await this.#until(() => names.every((name) => isTrue(this.#nodes.get(name)?.status, 'AgentReady')));
    return names.flatMap((node) =>
      Array.from({ length: blocks }, (_, index) => ({ node, blockId: BOOT_BLOCKS + index })),
    );
  }

  /** Asks for all of them to be online, and resolves when they are. */
  async bringOnline(wanted: readonly BlockOnNode[], onProgress: (ready: number) => void): Promise<void> {
    const creations = inParallel(wanted, ({ node, blockId }) =>
      this.#create(MEMORY_BLOCKS, memoryBlockName(node, blockId), { nodeName: node, blockId, state: 'online_movable' }),
    );
    const isReady = ({ node, blockId }: BlockOnNode): boolean => {
      const block = this.#blocks.get(memoryBlockName(node, blockId));
      return block?.status?.state === 'online' && isTrue(block.status, 'Ready');
    };
    await this.#until(() => {
      const ready = wanted.filter(isReady).length;
      onProgress(ready);
      return ready === wanted.length;
    });
    await creations;
  }

  async #create({ apiVersion, kind, path }: ResourceKind, name: string, spec: object): Promise<void> {
    const body = { apiVersion, kind, metadata: { name }, spec };
    await apiRequest(this.#kubeConfig, { method: 'POST', path, body, timeoutMs: 60_000 });
  }

  async #until(holds: () => boolean): Promise<void> {
    for (;;) {
      const changed = this.#whenChanged.promise;
      if (holds()) return;
      await changed;
    }
  }
}

function isTrue(status: MemoryBlock['status'] | NodeMemory['status'], type: string): boolean {
  return status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
}

async function inParallel<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const work = async (): Promise<void> => {
    for (const item of queue) await act(item);
  };
  await Promise.all(Array.from({ length: CREATES_AT_ONCE }, work));
}
