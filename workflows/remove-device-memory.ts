/** ZONE_DEVICE: mirrors mm/memremap.c `memunmap_pages()`, v6.12. */
import type { DeviceMemoryInput, DeviceOutcome } from '../src/contract/device-operations.ts';
import { formatAddress, formatBytes } from '../src/contract/quantity.ts';
import { changeDeviceMemory } from './change-device-memory.ts';
import { DeviceOperation } from './device-operation.ts';

/** M:w → the mapping goes → drop M. The kernel waits for the users of the pages before it takes a lock; here there are none. */
export async function removeDeviceMemory(input: DeviceMemoryInput): Promise<DeviceOutcome> {
  const { start, size } = input.range;
  const done = `removed ${formatBytes(size)} of device memory at ${formatAddress(start)}`;
  const operation = new DeviceOperation('remove-device', input, formatAddress(start));
  return operation.run(() => changeDeviceMemory(operation, done));
}
