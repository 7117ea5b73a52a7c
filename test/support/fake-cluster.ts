/** A cluster in memory, with versions and conflicts as the API server has them, and a copy of it that a controller follows. */
import type {
  MemoryBlock,
  MemoryBlockStatus,
  MemoryNotifier,
  MemoryNotifierStatus,
  NodeMemory,
} from '../../src/contract/resources.ts';
import type { Caches, Cluster, KubeletStatus, NodeObject, WriteResult } from '../../src/controller/cluster.ts';
import { KUBELET_CAPACITY_STALE } from '../../src/controller/kubelet-capacity.ts';
import type { NewMemoryBlock } from '../../src/controller/discover-blocks.ts';
import type { BlockEvent, NodeEvent } from '../../src/controller/event-of.ts';
import type { Change } from '../../src/controller/controller.ts';
import { leaveOut } from '../../src/controller/leave-out.ts';
import type { ShownLocks } from '../../src/controller/report-locks.ts';
import { operatorFields } from '../../src/controller/operator-fields.ts';
import { blockOf } from './block-fixtures.ts';

/** Many times what any test needs. */
const STATUS_WRITES_MAX = 20_000;

export type Listener = (block: MemoryBlock, change: Change) => void;
export type NotifierListener = (notifier: MemoryNotifier, change: Change) => void;

export class FakeCluster implements Cluster {
  readonly blocks = new Map<string, MemoryBlock>();
  readonly nodeMemories = new Map<string, NodeMemory>();
  readonly nodes = new Map<string, NodeObject>();
  readonly notifiers = new Map<string, MemoryNotifier>();
  readonly events: BlockEvent[] = [];
  readonly nodeEvents: NodeEvent[] = [];
  readonly listeners: Listener[] = [];
  readonly notifierListeners: NotifierListener[] = [];
  /** Names of the blocks and notifiers whose status an operator has written, in order. */
  readonly statusWrites: string[] = [];
  /** Every write of NodeMemory.status.locks, in order. */
  readonly shownLocks: ShownLocks[] = [];
  /** Every write of what is known of kubelets, in order. */
  readonly kubeletWrites: KubeletStatus[] = [];
  /** Names of MemoryBlocks in the order in which somebody tried to create them. */
  readonly creates: string[] = [];
  /** What a create is refused with, while it is set. */
  createError: Error | undefined;
  /** Requests that a real controller would have sent to the server. */
  requests = 0;
  crdTerminating = false;
  #version = 100;

  readonly caches: Caches = {
    blocks: cacheOf(this.blocks),
    nodeMemories: cacheOf(this.nodeMemories),
    notifiers: cacheOf(this.notifiers),
    nodes: cacheOf(this.nodes),
  };

  block(name: string): MemoryBlock {
    const block = this.blocks.get(name);
    if (!block) throw new Error(`no MemoryBlock ${name}`);
    return block;
  }

  /** What a user, an agent or a workflow does. */
  put(block: MemoryBlock): void {
    const { name, deletionTimestamp, finalizers } = block.metadata;
    const change = this.blocks.has(name) ? 'update' : 'add';
    const stored = { ...block, metadata: { ...block.metadata, resourceVersion: String(++this.#version) } };
    if (deletionTimestamp !== undefined && (finalizers ?? []).length === 0) {
      this.blocks.delete(name);
      this.#tell(stored, 'delete');
    } else {
      this.blocks.set(name, stored);
      this.#tell(stored, change);
    }
  }

  putNotifier(notifier: MemoryNotifier): void {
    const { name } = notifier.metadata;
    const change = this.notifiers.has(name) ? 'update' : 'add';
    const stored = { ...notifier, metadata: { ...notifier.metadata, resourceVersion: String(++this.#version) } };
    this.notifiers.set(name, stored);
    for (const listener of this.notifierListeners) listener(stored, change);
  }

  patchStatus(name: string, patch: (status: MemoryBlockStatus) => MemoryBlockStatus): void {
    const block = this.block(name);
    this.put({ ...block, status: patch(block.status ?? {}) });
  }

  edit(name: string, spec: Partial<MemoryBlock['spec']>): void {
    const block = this.block(name);
    const generation = (block.metadata.generation ?? 0) + 1;
    this.put({ ...block, spec: { ...block.spec, ...spec }, metadata: { ...block.metadata, generation } });
  }

  delete(name: string): void {
    const block = this.block(name);
    const generation = (block.metadata.generation ?? 0) + 1;
    const deletionTimestamp = '2026-01-01T12:00:00Z';
    this.put({ ...block, metadata: { ...block.metadata, generation, deletionTimestamp } });
  }

  readBlock(name: string): Promise<MemoryBlock | undefined> {
    return this.#request(() => this.blocks.get(name));
  }

  readNodeMemory(name: string): Promise<NodeMemory | undefined> {
    return this.#request(() => this.nodeMemories.get(name));
  }

  readNode(name: string): Promise<NodeObject | undefined> {
    return this.#request(() => this.nodes.get(name));
  }

  isCrdTerminating(): Promise<boolean> {
    return this.#request(() => this.crdTerminating);
  }

  createBlock({ metadata, spec }: NewMemoryBlock): Promise<'created' | 'exists'> {
    return this.#request(() => {
      if (this.createError) throw this.createError;
      this.creates.push(metadata.name);
      if (this.blocks.has(metadata.name)) return 'exists';
      const defaults = blockOf(spec, {}, { name: metadata.name, uid: `uid-${metadata.name}` });
      this.put({ ...defaults, metadata: { ...defaults.metadata, labels: metadata.labels } });
      return 'created';
    });
  }

  writeBlockStatus(block: MemoryBlock, status: MemoryBlockStatus): Promise<WriteResult> {
    return this.#write(block, (live) => {
      const { state, zone, physicalAddress, blockSize, bootId } = live.status ?? {};
      const observed = Object.entries({ state, zone, physicalAddress, blockSize, bootId }).filter(([, value]) => value);
      this.#noteStatusWrite(live.metadata.name);
      return { ...live, status: { ...operatorFields(status), ...Object.fromEntries(observed) } };
    });
  }

  writeFinalizers(block: MemoryBlock, finalizers: readonly string[]): Promise<WriteResult> {
    return this.#write(block, (live) => ({ ...live, metadata: { ...live.metadata, finalizers } }));
  }

  writeNodeLocks(node: string, locks: ShownLocks): Promise<WriteResult> {
    return this.#request(() => {
      const live = this.nodeMemories.get(node);
      if (!live) return 'gone';
      const status = leaveOut(live.status ?? {}, 'locks');
      this.nodeMemories.set(node, { ...live, status: { ...status, ...(locks.length > 0 ? { locks } : {}) } });
      this.shownLocks.push(locks);
      return 'written';
    });
  }

  writeKubeletStatus({ metadata }: NodeMemory, kubeletStatus: KubeletStatus): Promise<WriteResult> {
    return this.#request(() => {
      const live = this.nodeMemories.get(metadata.name);
      if (!live) return 'gone';
      const others = live.status?.conditions?.filter(({ type }) => type !== KUBELET_CAPACITY_STALE) ?? [];
      const { kubelet, conditions = [] } = kubeletStatus;
      const status = { ...leaveOut(live.status ?? {}, 'kubelet'), conditions: [...others, ...conditions] };
      this.nodeMemories.set(metadata.name, { ...live, status: { ...status, ...(kubelet ? { kubelet } : {}) } });
      this.kubeletWrites.push(kubeletStatus);
      return 'written';
    });
  }

  writeNotifierStatus(notifier: MemoryNotifier, status: MemoryNotifierStatus): Promise<WriteResult> {
    return this.#request(() => {
      const { name, resourceVersion } = notifier.metadata;
      const live = this.notifiers.get(name);
      if (live?.metadata.resourceVersion !== resourceVersion) return 'conflict';
      this.#noteStatusWrite(name);
      this.putNotifier({ ...notifier, status: { ...notifier.status, ...status } });
      return 'written';
    });
  }

  recordEvent(_: MemoryBlock, event: BlockEvent): Promise<void> {
    return this.#request(() => {
      if (!this.events.some(({ key }) => key === event.key)) this.events.push(event);
    });
  }

  recordNodeEvent(_: NodeMemory, event: NodeEvent): Promise<void> {
    return this.#request(() => {
      if (!this.nodeEvents.some(({ key }) => key === event.key)) this.nodeEvents.push(event);
    });
  }

  #write(block: MemoryBlock, change: (live: MemoryBlock) => MemoryBlock): Promise<WriteResult> {
    return this.#request(() => {
      const live = this.blocks.get(block.metadata.name);
      if (live?.metadata.uid !== block.metadata.uid) return 'gone';
      if (live?.metadata.resourceVersion !== block.metadata.resourceVersion) return 'conflict';
      if (live) this.put(change(live));
      return 'written';
    });
  }

  async #request<T>(answer: () => T): Promise<T> {
    this.requests++;
    await Promise.resolve();
    return answer();
  }

  /** Controllers that contradict each other without end would never let a test go on. */
  #noteStatusWrite(name: string): void {
    if (this.statusWrites.length >= STATUS_WRITES_MAX) throw new Error('too many writes of a status');
    this.statusWrites.push(name);
  }

  #tell(block: MemoryBlock, change: Change): void {
    for (const listener of this.listeners) listener(block, change);
  }
}

function cacheOf<T>(objects: ReadonlyMap<string, T>): { get(name: string): T | undefined; list(): readonly T[] } {
  return { get: (name) => objects.get(name), list: () => [...objects.values()] };
}
