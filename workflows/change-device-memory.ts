/** The part that adding and removing device memory share: one driver step under M:w. */
import type { DeviceMemoryInput } from '../src/contract/device-operations.ts';
import type { DeviceOperation } from './device-operation.ts';
import { driverFailed, refused, type Ending } from './ending.ts';
import { memHotplugLock } from './locks.ts';

/** `done` is what a success says. */
export async function changeDeviceMemory(operation: DeviceOperation<DeviceMemoryInput>, done: string): Promise<Ending> {
  const begun = await operation.take(memHotplugLock);
  if (begun.kind === 'refused') return refused(begun);
  const unseen = await operation.seeBoot();
  if (unseen) return unseen;
  const kept = await operation.driver.memHotplugBegin();
  if (kept) return kept;
  const changed = await operation.driver.step('commit', { operation: operation.type, range: operation.input.range });
  return changed.ok ? { result: 'Succeeded', message: done } : driverFailed(changed);
}
