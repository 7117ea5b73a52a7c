/** A simulated boot: the layout's blocks are there, online as the layout says; hot-added ones are gone. */
import { parseBlockRanges } from '../../contract/block-ranges.ts';
import type { SimulatedBlocks } from '../../contract/resources.ts';
import type { SimulatedBehaviour } from './behaviour.ts';
import { STATE_VERSION, type SimulatedBlock, type SimulatedState } from './state.ts';

/**
 * `previous` is the node before the reboot. Only its tokens and their floor survive: the counter of a lock outlives a boot, whereas
 * claims, transitions and the journal describe memory that no longer is as they say.
 */
export function boot(
  previous: SimulatedState | undefined,
  layout: SimulatedBehaviour['boot'],
  bootId: string,
): SimulatedState {
  const { blockSizeBytes } = layout;
  return {
    version: STATE_VERSION,
    bootId,
    blockSizeBytes,
    blocks: Object.fromEntries(layout.blocks.flatMap(bootBlocks)),
    claims: [],
    tokens: previous?.tokens ?? {},
    ...(previous?.tokenFloor === undefined ? {} : { tokenFloor: previous.tokenFloor }),
    journal: [],
    lastEffect: previous?.lastEffect ?? 0,
    unwrittenEffects: previous?.unwrittenEffects ?? [],
  };
}

function bootBlocks(group: SimulatedBlocks): [number, SimulatedBlock][] {
  return parseBlockRanges(group.range).map((blockId) => {
    const numaNode = group.numaNode ?? 0;
    if (group.state === 'offline') return [blockId, { state: 'offline', numaNode }];
    return [blockId, { state: 'online', zone: group.zone ?? 'Normal', numaNode }];
  });
}
