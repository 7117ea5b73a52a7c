/** What the controller needs from the API server. Implemented in src/k8s/; every method rejects when it is unreachable. */
import type {
  MemoryBlock,
  MemoryBlockStatus,
  MemoryNotifier,
  MemoryNotifierStatus,
  NodeMemory,
  NodeMemoryStatus,
  ObjectMeta,
} from '../contract/resources.ts';
import type { NewMemoryBlock } from './discover-blocks.ts';
import type { BlockEvent, NodeEvent } from './event-of.ts';

/** A core/v1 Node, as far as it matters here. */
export interface NodeObject {
  readonly metadata: ObjectMeta;
  /** As the kubelet reports it. */
  readonly status?: {
    readonly nodeInfo?: { readonly bootID?: string };
    readonly capacity?: { readonly memory?: string };
  };
}

/** What the operator writes of a node's kubelet; nothing where there is none. */
export type KubeletStatus = Pick<NodeMemoryStatus, 'kubelet' | 'conditions'>;

/** A copy of all objects of one kind that follows the server. */
export interface ObjectCache<T> {
  get(name: string): T | undefined;
  list(): readonly T[];
}

export interface Caches {
  readonly blocks: ObjectCache<MemoryBlock>;
  readonly nodeMemories: ObjectCache<NodeMemory>;
  readonly notifiers: ObjectCache<MemoryNotifier>;
  readonly nodes: ObjectCache<NodeObject>;
}

/** `conflict`: the object is at another version than the one given; read it again. */
export type WriteResult = 'written' | 'conflict' | 'gone';

/** Live reads, and writes that succeed only on the very version that was read. */
export interface Cluster {
  readBlock(name: string): Promise<MemoryBlock | undefined>;
  readNodeMemory(name: string): Promise<NodeMemory | undefined>;
  readNode(name: string): Promise<NodeObject | undefined>;
  /** Whether the CRD of MemoryBlocks is being deleted, or is gone. */
  isCrdTerminating(): Promise<boolean>;
  /** Leaves an object of that name as it is, whoever created it. */
  createBlock(block: NewMemoryBlock): Promise<'created' | 'exists'>;
  /** Writes the operator's fields of `status`; the agent's stay as they are. */
  writeBlockStatus(block: MemoryBlock, status: MemoryBlockStatus): Promise<WriteResult>;
  writeFinalizers(block: MemoryBlock, finalizers: readonly string[]): Promise<WriteResult>;
  /** Shows who waits for which locks of a node; nothing when empty. The last writer wins. */
  writeNodeLocks(node: string, locks: NonNullable<NodeMemoryStatus['locks']>): Promise<WriteResult>;
  /** Replaces what is known of the node's kubelet; the agent's conditions stay as they are. */
  writeKubeletStatus(nodeMemory: NodeMemory, status: KubeletStatus): Promise<WriteResult>;
  /** Who is asked, and whether; the last call stays as it is. */
  writeNotifierStatus(
    notifier: MemoryNotifier,
    status: Pick<MemoryNotifierStatus, 'target' | 'conditions'>,
  ): Promise<WriteResult>;
  /** Never rejects: an event that cannot be told is no reason to stop. */
  recordEvent(block: MemoryBlock, event: BlockEvent): Promise<void>;
  /** Never rejects, for the same reason. */
  recordNodeEvent(nodeMemory: NodeMemory, event: NodeEvent): Promise<void>;
}

/** The part of winston's logger that is used here: a constant message, data in fields. */
export interface Log {
  debug(message: string, fields: object): unknown;
  info(message: string, fields: object): unknown;
  warn(message: string, fields: object): unknown;
  error(message: string, fields: object): unknown;
}
