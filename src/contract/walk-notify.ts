/** What every notifier of one walk is told about the block. */
import type { OnlineType } from '../kernel/memory-block.ts';
import { NOTIFIER_API_VERSION, type WalkNotify } from './notifier.ts';
import { formatAddress } from './quantity.ts';

/** Page frames are counted in pages of this size, whatever the node's own. */
const PAGE_SIZE = 4096;

export interface WalkFacts extends Omit<
  WalkNotify,
  'apiVersion' | 'startPfn' | 'nrPages' | 'physicalAddress' | 'onlineType' | 'numaNode'
> {
  readonly onlineType?: OnlineType | undefined;
  readonly numaNode?: number | undefined;
}

export function walkNotify({ onlineType, numaNode, ...facts }: WalkFacts): WalkNotify {
  const { blockId, sizeBytes } = facts;
  const address = blockId * sizeBytes;
  return {
    apiVersion: NOTIFIER_API_VERSION,
    ...facts,
    startPfn: address / PAGE_SIZE,
    nrPages: sizeBytes / PAGE_SIZE,
    physicalAddress: formatAddress(address),
    ...(onlineType === undefined ? {} : { onlineType }),
    ...(numaNode === undefined ? {} : { numaNode }),
  };
}
