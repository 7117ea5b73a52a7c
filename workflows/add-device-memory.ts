/** ZONE_DEVICE: mirrors mm/memremap.c `pagemap_range()`, v6.12. */
import type { DeviceMemoryInput, DeviceOutcome } from '../src/contract/device-operations.ts';
import { formatAddress, formatBytes } from '../src/contract/quantity.ts';
import { changeDeviceMemory } from './change-device-memory.ts';
import { DeviceOperation } from './device-operation.ts';

/**
 * M:w → the range becomes memory of a device → drop M. Never device_hotplug_lock: no memory block comes of it, so it has
 * nothing to do with who decides about blocks; no notifier is told.
 */
export async function addDeviceMemory(input: DeviceMemoryInput): Promise<DeviceOutcome> {
  const { start, size } = input.range;
  const done = `added ${formatBytes(size)} of device memory at ${formatAddress(start)}`;
  const operation = new DeviceOperation('add-device', input, formatAddress(start));
  return operation.run(() => changeDeviceMemory(operation, done));
}
