/** How a simulated node looks from outside. */
import { formatBlockRanges } from '../../contract/block-ranges.ts';
import type { BlockInspection, NodeInspection } from '../../contract/driver.ts';
import { formatAddress, formatBytes } from '../../contract/quantity.ts';
import type { DriverCapabilities, NodeMemoryStatus, ObservedBlock } from '../../contract/resources.ts';
import { epochOf } from '../../kernel/token.ts';
import { highestToken } from './settle.ts';
import type { SimulatedBlock, SimulatedState } from './state.ts';

const CAPABILITIES: DriverCapabilities = { add: true, remove: true, online: true, offline: true };

export function inspectNode(state: SimulatedState, blockIds: readonly number[]): NodeInspection {
  return {
    bootId: state.bootId,
    blockSizeBytes: state.blockSizeBytes,
    onlineBytes: onlineBytesOf(state),
    capabilities: CAPABILITIES,
    blocks: blockIds.map((blockId) => inspectBlock(blockId, state.blocks[blockId])),
  };
}

function inspectBlock(blockId: number, block: SimulatedBlock | undefined): BlockInspection {
  if (!block) return { blockId, state: 'absent' };
  const { state, zone, numaNode } = block;
  return zone === undefined ? { blockId, state, numaNode } : { blockId, state, zone, numaNode };
}

export function observeBlock(state: SimulatedState, blockId: number): ObservedBlock {
  const { state: blockState, zone } = inspectBlock(blockId, state.blocks[blockId]);
  return {
    state: blockState,
    ...(zone === undefined ? {} : { zone }),
    physicalAddress: formatAddress(blockId * state.blockSizeBytes),
    blockSize: formatBytes(state.blockSizeBytes),
    bootId: state.bootId,
  };
}

export function nodeStatus(state: SimulatedState, driver: string): NodeMemoryStatus {
  const entries = Object.entries(state.blocks).map(([id, block]) => ({ blockId: Number(id), ...block }));
  const onlineBytes = onlineBytesOf(state);
  return {
    driver,
    capabilities: CAPABILITIES,
    blockSize: formatBytes(state.blockSizeBytes),
    online: formatBytes(onlineBytes),
    offline: formatBytes(entries.length * state.blockSizeBytes - onlineBytes),
    blocks: mergeBlocks(entries),
    bootId: state.bootId,
    ...fencingEpoch(state),
  };
}

/** A block counts as long as it is not offline. */
function onlineBytesOf({ blocks, blockSizeBytes }: SimulatedState): number {
  return Object.values(blocks).filter((block) => block.state !== 'offline').length * blockSizeBytes;
}

/** A floor counts as well: somebody who grants above it has set it. */
function fencingEpoch(state: SimulatedState): Pick<NodeMemoryStatus, 'fencingEpoch'> {
  const epoch = epochOf(Math.max(highestToken(state), state.tokenFloor ?? 0));
  return epoch > 0 ? { fencingEpoch: epoch } : {};
}

type StatusRange = NonNullable<NodeMemoryStatus['blocks']>[number];

/** Neighbours that share state and zone become one range, as lsmem shows them. */
function mergeBlocks(blocks: readonly (Pick<SimulatedBlock, 'state' | 'zone'> & { blockId: number })[]): StatusRange[] {
  const runs: { ids: number[]; state: SimulatedBlock['state']; zone: SimulatedBlock['zone'] }[] = [];
  for (const { blockId, state, zone } of [...blocks].sort((one, other) => one.blockId - other.blockId)) {
    const last = runs.at(-1);
    if (last?.ids.at(-1) === blockId - 1 && last.state === state && last.zone === zone) last.ids.push(blockId);
    else runs.push({ ids: [blockId], state, zone });
  }
  return runs.map(({ ids, state, zone }) => {
    const range = { range: formatBlockRanges(ids), state };
    return zone === undefined ? range : { ...range, zone };
  });
}
