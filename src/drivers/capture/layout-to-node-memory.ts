/** Makes a simulated node of a captured machine. */
import { formatBlockRanges, parseBlockRanges } from '../../contract/block-ranges.ts';
import { API_GROUP, API_VERSION } from '../../contract/names.ts';
import type { NodeMemory, SimulatedBlocks } from '../../contract/resources.ts';
import type { LayoutBlocks, MemoryLayout } from './memory-layout.ts';

export type NodeMemoryManifest = Pick<NodeMemory, 'spec'> & {
  readonly apiVersion: string;
  readonly kind: 'NodeMemory';
  readonly metadata: { readonly name: string };
};

/** The manifest of node `name`, which boots with the blocks of `layout`. */
export function layoutToNodeMemory(layout: MemoryLayout, name: string): NodeMemoryManifest {
  const numaNodes = [...new Set(layout.blocks.map(({ numaNode }) => numaNode))].sort((one, other) => one - other);
  const unmovable = unmovableRanges(layout.blocks);
  return {
    apiVersion: `${API_GROUP}/${API_VERSION}`,
    kind: 'NodeMemory',
    metadata: { name },
    spec: {
      ...(layout.autoOnlineBlocks === undefined ? {} : { autoOnline: layout.autoOnlineBlocks }),
      simulated: {
        blockSize: layout.blockSize,
        blocks: mergeAlike(layout.blocks),
        ...(numaNodes.length === 0 ? {} : { numaNodes }),
        ...(unmovable === '' ? {} : { unmovable }),
      },
    },
  };
}

/** Blocks that the captured kernel called not removable: their offline answers EBUSY here as it would there. */
function unmovableRanges(blocks: readonly LayoutBlocks[]): string {
  const ids = blocks.filter(({ removable }) => removable === false).flatMap(({ range }) => parseBlockRanges(range));
  return formatBlockRanges(ids);
}

/** One entry per state, zone and NUMA node, in the order of their first blocks. */
function mergeAlike(blocks: readonly LayoutBlocks[]): SimulatedBlocks[] {
  const groups = new Map<string, { ids: number[]; like: Omit<SimulatedBlocks, 'range'> }>();
  for (const { range, state, zone, numaNode } of blocks) {
    const like = { state, ...(zone === undefined ? {} : { zone }), numaNode };
    const key = JSON.stringify(like);
    const group = groups.get(key) ?? { ids: [], like };
    group.ids.push(...parseBlockRanges(range));
    groups.set(key, group);
  }
  return [...groups.values()].map(({ ids, like }) => ({ range: formatBlockRanges(ids), ...like }));
}
