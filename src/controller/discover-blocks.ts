/** Which MemoryBlocks the operator creates by itself, for blocks that a node has: `NodeMemory.spec.discovery`. */
import { parseBlockRanges } from '../contract/block-ranges.ts';
import { DISCOVERED_LABEL, memoryBlockName } from '../contract/names.ts';
import type { MemoryBlockSpec, NodeMemory, NodeMemoryStatus } from '../contract/resources.ts';

/**
 * The most MemoryBlocks that one node may have for more to be created, lowest ids first: those that are there count, whoever
 * created them and whether or not the node still reports them. On x86 a node with 64 GiB and more has blocks of up to 2 GiB:
 * this is 16 TiB of them; in etcd, with a status each, some 20 MB. A node that reports more is not believed.
 */
export const DISCOVERED_BLOCKS_MAX = 8_192;

/** A MemoryBlock that nobody has asked for: observed only; the schema fills in the rest. */
export interface NewMemoryBlock {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: Pick<MemoryBlockSpec, 'nodeName' | 'blockId'>;
}

/**
 * It has no owner on purpose: a garbage collector would delete it with its owner also after somebody has set
 * `deletionPolicy: Remove` on it.
 */
export function discoveredBlock(node: string, blockId: number): NewMemoryBlock {
  return {
    metadata: { name: memoryBlockName(node, blockId), labels: { [DISCOVERED_LABEL]: 'true' } },
    spec: { nodeName: node, blockId },
  };
}

export interface KnownBlocks {
  /** Whether an object of that name exists. */
  readonly has: (name: string) => boolean;
  /** How many exist for the node; asked only when one is missing. */
  readonly count: () => number;
}

/** Ids of the blocks that should have a MemoryBlock and have none, ascending; no more than may be created. */
export function blocksToDiscover({ metadata, spec, status }: NodeMemory, known: KnownBlocks): readonly number[] {
  const { discovery = 'None' } = spec;
  if (discovery === 'None' || metadata.deletionTimestamp !== undefined) return [];
  const ranges = (status?.blocks ?? []).filter((blocks) => discovery === 'All' || isRemovable(blocks));
  const missing = ranges
    .flatMap(({ range }) => parseBlockRanges(range))
    .sort((one, other) => one - other)
    .filter((blockId) => !known.has(memoryBlockName(metadata.name, blockId)));
  return missing.length === 0 ? [] : missing.slice(0, Math.max(0, DISCOVERED_BLOCKS_MAX - known.count()));
}

/** Nothing is in it, or nothing that could not be moved away. */
function isRemovable({ state, zone }: NonNullable<NodeMemoryStatus['blocks']>[number]): boolean {
  return state === 'offline' || zone === 'Movable';
}
