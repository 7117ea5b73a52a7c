/** Names of a node's locks, spelled as the kernel spells them. */
import type { LockName } from '../kernel/lock.ts';

export const DEVICE_HOTPLUG_LOCK = 'device_hotplug_lock';
export const MEM_HOTPLUG_LOCK = 'mem_hotplug_lock';

/** `device_lock()` of one memory block device. */
export function deviceLock(blockId: number): LockName {
  return `device_lock/memory${String(blockId)}`;
}

/** `device_lock()` of one CPU's device. */
export function cpuDeviceLock(cpu: number): LockName {
  return `device_lock/cpu${String(cpu)}`;
}
