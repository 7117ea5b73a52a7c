/** Locks as people write them on the command line. */
import { DEVICE_HOTPLUG_LOCK, MEM_HOTPLUG_LOCK } from '../contract/lock-names.ts';
import type { WantedLock } from '../kernel/lock.ts';

const DEVICE_LOCK = /^device_lock\/(?:memory|cpu)(?:0|[1-9]\d{0,8})$/;

/** `device_hotplug_lock`, `device_lock/memory32`, `mem_hotplug_lock:r`. Throws a RangeError that says what there is. */
export function parseLock(word: string): WantedLock {
  const isRead = word.endsWith(':r');
  const name = isRead ? word.slice(0, -2) : word;
  if (name !== DEVICE_HOTPLUG_LOCK && name !== MEM_HOTPLUG_LOCK && !DEVICE_LOCK.test(name)) {
    throw new RangeError(
      `"${word}" is no lock; there are ${DEVICE_HOTPLUG_LOCK}, device_lock/memoryN, device_lock/cpuN and ${MEM_HOTPLUG_LOCK}[:r]`,
    );
  }
  if (isRead && name !== MEM_HOTPLUG_LOCK) {
    throw new RangeError(`${name} is a mutex and has no read mode; only ${MEM_HOTPLUG_LOCK} can be had with :r`);
  }
  return { name, mode: isRead ? 'read' : 'write' };
}
