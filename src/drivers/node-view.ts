/** How a node looks from outside, whatever its driver. */
import { formatBlockRanges } from '../contract/block-ranges.ts';
import type { BlockInspection, NodeInspection } from '../contract/driver.ts';
import { formatAddress, formatBytes } from '../contract/quantity.ts';
import type { DriverCapabilities, NodeMemoryStatus, ObservedBlock } from '../contract/resources.ts';
import type { MemoryBlockState } from '../kernel/memory-block.ts';
import type { Zone } from '../kernel/zone.ts';
import { fencingEpoch, type Fence } from './fencing.ts';

export interface ViewedBlock {
  readonly state: Exclude<MemoryBlockState, 'absent'>;
  readonly zone?: Zone;
  readonly numaNode?: number;
}

export interface ViewedNode {
  readonly bootId: string;
  readonly blockSizeBytes: number;
  /** Block devices that exist, by block id. */
  readonly blocks: Readonly<Record<number, ViewedBlock>>;
}

export function inspectNode(
  node: ViewedNode,
  capabilities: DriverCapabilities,
  blockIds: readonly number[],
): NodeInspection {
  return {
    bootId: node.bootId,
    blockSizeBytes: node.blockSizeBytes,
    onlineBytes: onlineBytesOf(node),
    capabilities,
    blocks: blockIds.map((blockId) => inspectBlock(node, blockId)),
  };
}

export function observeBlock(node: ViewedNode, blockId: number): ObservedBlock {
  const { state, zone } = inspectBlock(node, blockId);
  return {
    state,
    ...(zone === undefined ? {} : { zone }),
    physicalAddress: formatAddress(blockId * node.blockSizeBytes),
    blockSize: formatBytes(node.blockSizeBytes),
    bootId: node.bootId,
  };
}

export function nodeStatus(
  node: ViewedNode,
  capabilities: DriverCapabilities,
  driver: string,
  fence: Fence,
): NodeMemoryStatus {
  const onlineBytes = onlineBytesOf(node);
  const epoch = fencingEpoch(fence);
  return {
    driver,
    capabilities,
    blockSize: formatBytes(node.blockSizeBytes),
    online: formatBytes(onlineBytes),
    offline: formatBytes(Object.keys(node.blocks).length * node.blockSizeBytes - onlineBytes),
    blocks: mergeBlocks(node.blocks),
    bootId: node.bootId,
    ...(epoch === undefined ? {} : { fencingEpoch: epoch }),
  };
}

function inspectBlock({ blocks }: ViewedNode, blockId: number): BlockInspection {
  const block = blocks[blockId];
  if (!block) return { blockId, state: 'absent' };
  const { state, zone, numaNode } = block;
  return {
    blockId,
    state,
    ...(zone === undefined ? {} : { zone }),
    ...(numaNode === undefined ? {} : { numaNode }),
  };
}

/** A block counts as long as it is not offline. */
function onlineBytesOf({ blocks, blockSizeBytes }: ViewedNode): number {
  return Object.values(blocks).filter((block) => block.state !== 'offline').length * blockSizeBytes;
}

type StatusRange = NonNullable<NodeMemoryStatus['blocks']>[number];

/** Neighbours that share state and zone become one range, as lsmem shows them. */
function mergeBlocks(blocks: ViewedNode['blocks']): StatusRange[] {
  const runs: { ids: number[]; state: ViewedBlock['state']; zone: Zone | undefined }[] = [];
  const ids = Object.keys(blocks).map(Number);
  for (const blockId of ids.sort((one, other) => one - other)) {
    const block = blocks[blockId];
    if (!block) continue;
    const { state, zone } = block;
    const last = runs.at(-1);
    if (last?.ids.at(-1) === blockId - 1 && last.state === state && last.zone === zone) last.ids.push(blockId);
    else runs.push({ ids: [blockId], state, zone });
  }
  return runs.map(({ ids: range, state, zone }) => ({
    range: formatBlockRanges(range),
    state,
    ...(zone === undefined ? {} : { zone }),
  }));
}
