/**
 * Which blocks of a node may have their operations started now. A node's operations take turns under device_hotplug_lock
 * anyway, and one that waits for it in a workflow costs history, lock messages and status writes: hundreds of them cost more than
 * the work itself. So they wait here instead, first come, first served.
 *
 * In memory, of one operator: two operators may together have twice as many under way. It saves work; it is not the lock.
 */
import type { MemoryBlock } from '../contract/resources.ts';

/** One that works, and one that waits for the lock: it says who holds it, and goes on at once when it is free. */
export const OPERATIONS_PER_NODE = 2;
/** A start shows in the copy of the cluster within milliseconds. One that never does has failed, or its object is gone. */
const SHOWN_WITHIN_MS = 10_000;

interface UnderWay {
  readonly runId: string;
  readonly sinceMs: number;
  /** The copy of the cluster has named it. */
  readonly isShown: boolean;
}

interface Node {
  /** By name of the block. */
  readonly underWay: Map<string, UnderWay>;
  /** Names of blocks, the first to be started first. */
  readonly waiting: Set<string>;
}

export class NodeTurns {
  readonly #limit: number;
  readonly #nodes = new Map<string, Node>();

  /** `limit`: how many operations of a node may be under way at a time. */
  constructor(limit = OPERATIONS_PER_NODE) {
    this.#limit = limit;
  }

  /** Whether an operation of `block` may be started. */
  isFree({ metadata, spec }: MemoryBlock, nowMs: number): boolean {
    const node = this.#nodes.get(spec.nodeName);
    if (!node) return true;
    dropForgotten(node, nowMs);
    let inFront = node.underWay.size - (node.underWay.has(metadata.name) ? 1 : 0);
    // Whoever is far behind need not count them all: this is asked at every look.
    for (const name of node.waiting) {
      if (name === metadata.name || inFront >= this.#limit) break;
      inFront += 1;
    }
    return inFront < this.#limit;
  }

  /** `block` waits for its turn: it keeps its place. */
  wait({ metadata, spec }: MemoryBlock): void {
    this.#node(spec.nodeName).waiting.add(metadata.name);
  }

  /** An operation of `block` was started, or found running. */
  started({ metadata, spec }: MemoryBlock, runId: string, nowMs: number): void {
    const node = this.#node(spec.nodeName);
    node.waiting.delete(metadata.name);
    node.underWay.set(metadata.name, { runId, sinceMs: nowMs, isShown: false });
  }

  /** The block as it is in the cluster now. Answers whose turn it may be: look at them. */
  seen({ metadata, spec, status }: MemoryBlock, nowMs: number): readonly string[] {
    const { name } = metadata;
    const operation = status?.operation;
    // It holds no lock, and may wait for long.
    if (operation && operation.phase !== 'WaitingForPermit') {
      const node = this.#node(spec.nodeName);
      node.waiting.delete(name);
      node.underWay.set(name, { runId: operation.runId, sinceMs: nowMs, isShown: true });
      return [];
    }
    const known = this.#nodes.get(spec.nodeName)?.underWay.get(name);
    if (!known) return [];
    const hasEnded = operation !== undefined || known.isShown || status?.lastOperation?.runId === known.runId;
    return hasEnded ? this.#ended(spec.nodeName, name) : [];
  }

  /** It wants no operation now: it gives up its place. Answers as `seen`. */
  leave({ metadata, spec }: MemoryBlock): readonly string[] {
    const node = this.#nodes.get(spec.nodeName);
    return node?.waiting.delete(metadata.name) ? this.#next(node) : [];
  }

  /** The object is gone. Answers as `seen`. */
  gone({ metadata, spec }: MemoryBlock): readonly string[] {
    const node = this.#nodes.get(spec.nodeName);
    if (!node) return [];
    node.waiting.delete(metadata.name);
    return this.#ended(spec.nodeName, metadata.name);
  }

  #ended(nodeName: string, name: string): readonly string[] {
    const node = this.#node(nodeName);
    node.underWay.delete(name);
    if (node.underWay.size === 0 && node.waiting.size === 0) this.#nodes.delete(nodeName);
    return this.#next(node);
  }

  #next({ waiting }: Node): readonly string[] {
    return [...waiting].slice(0, this.#limit);
  }

  #node(name: string): Node {
    const node = this.#nodes.get(name) ?? { underWay: new Map<string, UnderWay>(), waiting: new Set<string>() };
    this.#nodes.set(name, node);
    return node;
  }
}

function dropForgotten({ underWay }: Node, nowMs: number): void {
  for (const [name, { isShown, sinceMs }] of underWay) {
    if (!isShown && nowMs - sinceMs >= SHOWN_WITHIN_MS) underWay.delete(name);
  }
}
