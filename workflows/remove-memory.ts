/** `remove_memory()`: mirrors mm/memory_hotplug.c `try_remove_memory()`, v6.12. No notifier is told. */
import { formatAddress } from '../src/contract/quantity.ts';
import type { OperationOutcome, RemoveMemoryInput } from '../src/contract/operations.ts';
import { driverFailed, refused, type Ending } from './ending.ts';
import { blockDeviceLock, deviceHotplugLock, memHotplugLock } from './locks.ts';
import { lookAgain } from './look-again.ts';
import { Operation } from './operation.ts';

/**
 * D: every block offline, else EBUSY (which only D keeps true) → M:w: readers leave, each device gone under its short L(b), then the
 * mapping → drop M, D.
 */
export async function removeMemory(input: RemoveMemoryInput): Promise<OperationOutcome> {
  const operation = new Operation('remove', input, formatAddress(input.range.start));
  return operation.run(remove);
}

async function remove(operation: Operation<RemoveMemoryInput>): Promise<Ending> {
  const { range } = operation.input;
  const hotplug = operation.input.withoutDeviceHotplugLock ? undefined : await operation.take(deviceHotplugLock);
  if (hotplug?.kind === 'refused') return refused(hotplug);

  const seen = await lookAgain(operation, { range });
  if ('result' in seen) return seen;
  const args = { operation: 'remove', range } as const;
  const prepared = await operation.driver.step('prepare', args);
  if (!prepared.ok) return driverFailed(prepared);

  const begun = await operation.take(memHotplugLock);
  if (begun.kind === 'refused') return refused(begun);
  const kept = await operation.driver.memHotplugBegin();
  if (kept) return kept;
  for (const { blockId } of seen.blocks) {
    const lock = blockDeviceLock(blockId);
    const device = await operation.take(lock);
    if (device.kind === 'refused') return refused(device);
    operation.rememberToken(lock.name);
    const gone = await operation.driver.step('commit', { ...args, blockId });
    await operation.release(device);
    if (!gone.ok) return driverFailed(gone);
  }
  const unmapped = await operation.driver.step('finish', args);
  if (!unmapped.ok) return driverFailed(unmapped);
  return { result: 'Succeeded', message: `removed ${String(seen.blocks.length)} block(s)`, state: 'absent' };
}
