/** `add_memory()`: mirrors mm/memory_hotplug.c `add_memory_resource()` and drivers/base/memory.c, v6.12. */
import type { AddMemoryInput, OperationOutcome } from '../src/contract/operations.ts';
import type { DriverResult } from '../src/contract/driver.ts';
import { formatAddress } from '../src/contract/quantity.ts';
import type { OnlineType } from '../src/kernel/memory-block.ts';
import { driverFailed, refused, type Ending } from './ending.ts';
import { blockDeviceLock, deviceHotplugLock, memHotplugLock } from './locks.ts';
import { lookAgain } from './look-again.ts';
import { onlineBlock } from './online-block.ts';
import { Operation } from './operation.ts';

/**
 * D: claim → M:w: readers leave, create and publish each block, and only then its L(b) → drop L, M → still under D: auto-online, result
 * ignored → drop D. The device is visible before L(b) is taken, so an online may be asked for right then: it waits for D.
 */
export async function addMemory(input: AddMemoryInput): Promise<OperationOutcome> {
  const operation = new Operation('add', input, formatAddress(input.range.start));
  return operation.run(add);
}

async function add(operation: Operation<AddMemoryInput>): Promise<Ending> {
  const { range, numaNode } = operation.input;
  const hotplug = operation.input.withoutDeviceHotplugLock ? undefined : await operation.take(deviceHotplugLock);
  if (hotplug?.kind === 'refused') return refused(hotplug);

  const seen = await lookAgain(operation, { range });
  if ('result' in seen) return seen;
  const args = { operation: 'add', range, ...(numaNode === undefined ? {} : { numaNode }) } as const;
  const claimed = await operation.driver.step('prepare', args);
  if (!claimed.ok) return driverFailed(claimed);

  const blockIds = seen.blocks.map((block) => block.blockId);
  const created = await createBlocks(operation, blockIds, args);
  if (created.result !== 'Succeeded') return created;
  await operation.driver.step('finish', args);
  if (seen.autoOnline !== 'offline') await autoOnline(operation, blockIds, seen.autoOnline);
  return created;
}

/** `create_memory_block_devices()`: all blocks or none. Caller holds D. */
async function createBlocks(
  operation: Operation<AddMemoryInput>,
  blockIds: readonly number[],
  args: Pick<AddMemoryInput, 'range' | 'numaNode'> & { operation: 'add' },
): Promise<Ending> {
  const begun = await operation.take(memHotplugLock);
  if (begun.kind === 'refused') {
    await operation.driver.step('abort', args);
    return refused(begun);
  }
  const kept = await operation.driver.memHotplugBegin();
  if (kept) {
    await operation.driver.step('abort', args);
    await operation.memHotplugDone(begun);
    return kept;
  }
  for (const blockId of blockIds) {
    const failure = await createBlock(operation, blockId, args);
    if (!failure) continue;
    await operation.driver.step('abort', args);
    await operation.memHotplugDone(begun);
    return failure;
  }
  // The step that follows lets the readers on the node in again.
  await operation.release(begun);
  return { result: 'Succeeded', message: `added ${String(blockIds.length)} block(s)`, state: 'offline' };
}

/** One block: the device becomes visible, then its device_lock is taken and dropped (`device_add()`). Caller holds D, M:w. */
async function createBlock(
  operation: Operation<AddMemoryInput>,
  blockId: number,
  args: Pick<AddMemoryInput, 'range' | 'numaNode'> & { operation: 'add' },
): Promise<Ending | undefined> {
  const published: DriverResult = await operation.driver.step('commit', { ...args, blockId });
  if (!published.ok) return driverFailed(published);
  const lock = blockDeviceLock(blockId);
  const device = await operation.take(lock);
  if (device.kind === 'refused') return refused(device);
  operation.rememberToken(lock.name);
  await operation.release(device);
  return undefined;
}

/** `online_memory_block()` for each new block, until one fails; the add has succeeded whatever comes of it. Caller holds D. */
async function autoOnline(
  operation: Operation<AddMemoryInput>,
  blockIds: readonly number[],
  onlineType: OnlineType,
): Promise<void> {
  for (const blockId of blockIds) {
    const taken = await operation.takeInOrder(blockDeviceLock(blockId), memHotplugLock);
    if (taken.kind === 'refused') return;
    const memHotplugDone = (): Promise<void> => taken.memHotplugDone();
    const kept = await operation.driver.memHotplugBegin();
    const ending = kept ?? (await onlineBlock(operation, { blockId, onlineType, memHotplugDone }));
    await taken.release();
    if (ending.result !== 'Succeeded') {
      operation.tell(`auto-online stopped at memory${String(blockId)}: ${ending.message}`);
      return;
    }
  }
}
