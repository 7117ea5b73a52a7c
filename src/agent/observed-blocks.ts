/** What every block of a node is like, out of one look at the node: its status. */
import { parseBlockRanges } from '../contract/block-ranges.ts';
import { formatAddress, parseBytes } from '../contract/quantity.ts';
import type { NodeMemoryStatus, ObservedBlock } from '../contract/resources.ts';

/** As `MemoryDriver.observe` answers at the moment of `status`. */
export function observedBlocks(status: NodeMemoryStatus): (blockId: number) => ObservedBlock {
  const { blocks = [], blockSize, bootId } = status;
  const rangeOf = new Map(blocks.flatMap((block) => parseBlockRanges(block.range).map((id) => [id, block] as const)));
  const common = { ...(blockSize === undefined ? {} : { blockSize }), ...(bootId === undefined ? {} : { bootId }) };
  const blockSizeBytes = blockSize === undefined ? undefined : parseBytes(blockSize);
  return (blockId) => {
    const { state = 'absent', zone } = rangeOf.get(blockId) ?? {};
    return {
      state,
      ...(zone === undefined ? {} : { zone }),
      ...(blockSizeBytes === undefined ? {} : { physicalAddress: formatAddress(blockId * blockSizeBytes) }),
      ...common,
    };
  };
}
