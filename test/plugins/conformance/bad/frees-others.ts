/**
 * A webhook that keeps one thing per block and forgets whose it is: any CANCEL of the block frees it, also a late one of an
 * earlier run. And when it vetoes it says nothing that helps.
 */
import type { MemoryNotify, NotifierAnswer } from '../../../../src/contract/notifier.ts';

export function freesOthers(): (event: MemoryNotify) => NotifierAnswer {
  const holders = new Map<string, string>();
  return ({ action, node, blockId, runId, dryRun }) => {
    const block = `${node}/${String(blockId)}`;
    if (!action.includes('GOING')) {
      holders.delete(block);
      return { result: 'NOTIFY_DONE' };
    }
    const holder = holders.get(block);
    if (holder !== undefined && holder !== runId) return { result: 'NOTIFY_BAD', errno: 'EBUSY', reason: 'EBUSY' };
    if (!dryRun) holders.set(block, runId);
    return { result: 'NOTIFY_OK' };
  };
}
