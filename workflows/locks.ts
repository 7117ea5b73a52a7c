/** The locks as requests: D, L of a block or a CPU, and M:w. */
import {
  cpuDeviceLock as cpuLockName,
  DEVICE_HOTPLUG_LOCK,
  deviceLock,
  MEM_HOTPLUG_LOCK,
} from '../src/contract/lock-names.ts';
import type { WantedLock } from '../src/kernel/lock.ts';

/** `lock_device_hotplug()` */
export const deviceHotplugLock: WantedLock = { name: DEVICE_HOTPLUG_LOCK, mode: 'write' };

/** `mem_hotplug_begin()`, which includes `cpus_read_lock()` */
export const memHotplugLock: WantedLock = { name: MEM_HOTPLUG_LOCK, mode: 'write' };

/** `device_lock()` of one block */
export function blockDeviceLock(blockId: number): WantedLock {
  return { name: deviceLock(blockId), mode: 'write' };
}

/** `device_lock()` of one CPU */
export function cpuDeviceLock(cpu: number): WantedLock {
  return { name: cpuLockName(cpu), mode: 'write' };
}
