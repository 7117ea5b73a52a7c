/** What the agent has last told of a block, whether somebody registered it or not. */
import { parseBlockRanges } from '../contract/block-ranges.ts';
import type { MemoryBlock, NodeMemory } from '../contract/resources.ts';
import type { OnlineType } from '../kernel/memory-block.ts';
import { zoneForPfnRange, zoneSpans, type Zone } from '../kernel/zone.ts';
import type { Observed } from './wanted-operation.ts';

/** From the MemoryBlock, or else from the NodeMemory, which lists what is there. Undefined: the agent has not reported. */
export function observedBlock(
  { status }: NodeMemory,
  blockId: number,
  block: MemoryBlock | undefined,
): Observed | undefined {
  const { state, zone } = block?.status ?? {};
  if (state !== undefined) return observed(state, zone);
  if (status?.capabilities === undefined) return undefined;
  const found = status.blocks?.find(({ range }) => parseBlockRanges(range).includes(blockId));
  return found ? observed(found.state, found.zone) : { state: 'absent' };
}

/** The zone that an offline block would join, as far as the NodeMemory tells: it does not tell NUMA nodes apart. */
export function zoneWhenOnline(node: NodeMemory | undefined, blockId: number, onlineType: OnlineType): Zone {
  const online = (node?.status?.blocks ?? []).flatMap(({ range, zone }) =>
    zone === undefined ? [] : parseBlockRanges(range).map((id) => ({ blockId: id, zone })),
  );
  const { movableNode = false } = node?.spec.simulated ?? {};
  return zoneForPfnRange(onlineType, { first: blockId, last: blockId }, zoneSpans(online), { movableNode });
}

function observed(state: Observed['state'], zone: Zone | undefined): Observed {
  return { state, ...(zone === undefined ? {} : { zone }) };
}
