/**
 * Hotplug of what is no memory block but goes by the same locks: CPUs, and ZONE_DEVICE ranges. No object stands for them;
 * they are started directly, as workflows. Users' page: docs/using-the-locks.md.
 */
import type { Errno } from '../kernel/errno.ts';
import type { DeviceOperation, MemoryRange } from './driver.ts';
import type { OperationInput } from './operations.ts';
import type { OperationResult } from './resources.ts';

/** Workflow type of each; the function in workflows/ has this name. */
export const DEVICE_WORKFLOW = {
  'online-cpu': 'onlineCpu',
  'offline-cpu': 'offlineCpu',
  'add-device': 'addDeviceMemory',
  'remove-device': 'removeDeviceMemory',
} as const satisfies Record<DeviceOperation, string>;

export type DeviceInput = Omit<OperationInput, 'block'>;

export interface CpuInput extends DeviceInput {
  /** As in /sys/devices/system/cpu/cpuN. */
  readonly cpu: number;
}

export interface DeviceMemoryInput extends DeviceInput {
  /** In bytes; a multiple of 2 MiB. */
  readonly range: MemoryRange;
}

/** What the workflow returns; an errno is an outcome, only breakage throws. */
export interface DeviceOutcome {
  readonly type: DeviceOperation;
  readonly result: OperationResult;
  readonly errno?: Errno;
  readonly message: string;
  /** It was in the wanted state already. */
  readonly noop?: boolean;
}
