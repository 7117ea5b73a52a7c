/** `memory_block_online()` and `online_pages()`, v6.12: what onlining one block does once its locks are held. */
import type { DriverResult } from '../src/contract/driver.ts';
import type { OnlineType } from '../src/kernel/memory-block.ts';
import { commitOrAbort } from './commit-or-abort.ts';
import { driverFailed, vetoed, type Ending } from './ending.ts';
import { notify } from './notify.ts';
import type { Operation } from './operation.ts';

export interface OnlineBlock {
  readonly blockId: number;
  readonly onlineType: OnlineType;
  /** `mem_hotplug_done()`: called before the block's state becomes visible; `finish` then lets readers in. */
  readonly memHotplugDone: () => Promise<void>;
}

/**
 * Onlines a block. Caller holds device_hotplug_lock, device_lock of the block and mem_hotplug_lock (write), with readers kept out, and gives
 * back all but what `memHotplugDone` gives back. Guarantee: on a failure after MEM_GOING_ONLINE the block is offline
 * again and the whole chain has been told MEM_CANCEL_ONLINE.
 */
export async function onlineBlock(operation: Operation, block: OnlineBlock): Promise<Ending> {
  const { driver } = operation;
  const { blockId, onlineType } = block;
  const args = { operation: 'online', blockId, onlineType, range: operation.rangeOf(blockId) } as const;

  const prepared = await driver.step('prepare', args);
  if (!prepared.ok) return driverFailed(prepared);

  const going = await notify(operation, 'MEM_GOING_ONLINE', block);
  let ending: Ending;
  if (going.kind === 'vetoed') {
    await driver.step('abort', args);
    ending = vetoed('MEM_GOING_ONLINE', going);
  } else {
    ending = endingOf(blockId, await commitOrAbort(driver, args, () => driver.step('commit', args)));
  }
  await notify(operation, ending.result === 'Succeeded' ? 'MEM_ONLINE' : 'MEM_CANCEL_ONLINE', block);

  await block.memHotplugDone();
  const finished = await driver.step('finish', args);
  return finished.ok ? ending : driverFailed(finished);
}

function endingOf(blockId: number, committed: DriverResult): Ending {
  if (!committed.ok) return driverFailed(committed);
  const { zone } = committed;
  const message = `memory${String(blockId)} is online${zone ? ` in zone ${zone}` : ''}`;
  return { result: 'Succeeded', message, state: 'online', ...(zone ? { zone } : {}) };
}
