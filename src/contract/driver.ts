/**
 * The node's side of an operation. A driver does one block's (or range's) work in steps; every step that changes
 * something carries the tokens of the locks it needs, and a stale one is refused (`ESTALE`).
 */
import type { Errno } from '../kernel/errno.ts';
import type { MemoryBlockState, OnlineType, OperationType } from '../kernel/memory-block.ts';
import type { Zone } from '../kernel/zone.ts';
import type { LockHolder, LockName } from '../kernel/lock.ts';
import { BLOCKS_MAX } from './block-ranges.ts';
import { cpuDeviceLock, DEVICE_HOTPLUG_LOCK, deviceLock, MEM_HOTPLUG_LOCK } from './lock-names.ts';
import type { DriverStep } from './driver-step.ts';
import type { DriverCapabilities } from './resources.ts';

export type { DriverStep };

/** A physical range, in bytes. */
export interface MemoryRange {
  readonly start: number;
  readonly size: number;
}

/** Ids of the blocks that `range` touches, ascending; none for an empty range. At most `BLOCKS_MAX`. */
export function blockIdsOf(range: MemoryRange, blockSizeBytes: number): readonly number[] {
  const first = Math.floor(range.start / blockSizeBytes);
  const end = Math.ceil((range.start + range.size) / blockSizeBytes);
  const count = range.size > 0 ? Math.min(end - first, BLOCKS_MAX) : 0;
  return Array.from({ length: count }, (_, index) => first + index);
}

/** The run on whose behalf something is done; the same shape as the holder of a lock. */
export type RunReference = LockHolder;

/** Operations on what is no memory block, but under the same locks: a CPU, or a ZONE_DEVICE range. */
export type DeviceOperation = 'online-cpu' | 'offline-cpu' | 'add-device' | 'remove-device';
export type DriverOperation = OperationType | DeviceOperation;

/** One step. (owner.runId, operation, step, blockId) names it: a repeat returns what was done instead of doing it again. */
export interface DriverCall {
  readonly node: string;
  readonly operation: DriverOperation;
  readonly step: DriverStep;
  /** The whole range of an add or remove; the block itself for online and offline; empty for a CPU. */
  readonly range: MemoryRange;
  /** The block this step is about; unset where the step is about the whole range. */
  readonly blockId?: number;
  /** The CPU that `online-cpu` and `offline-cpu` are about. */
  readonly cpu?: number;
  readonly owner: RunReference;
  readonly tokens: Readonly<Record<LockName, number>>;
  /** Boot id seen under device_hotplug_lock; another boot answers ESTALE. */
  readonly bootId: string;
  readonly onlineType?: OnlineType;
  readonly numaNode?: number;
  /** Of offline's commit: how long pages may take to migrate away, then EINTR. */
  readonly timeoutMs?: number;
  /** Fault mode of tests and examples/lock-inversion; only the simulated driver obeys it. */
  readonly withoutDeviceHotplugLock?: boolean;
}

export type DriverResult =
  | {
      readonly ok: true;
      readonly zone?: Zone;
      /** The device was in the wanted state already. */
      readonly noop?: true;
      /**
       * Of the abort of an online or offline: the block is in the wanted state and stays in it, so that the operation has
       * succeeded, whatever was heard of its commit. Unset: it is not, or the agent is of an earlier version.
       */
      readonly committed?: true;
    }
  | {
      readonly ok: false;
      readonly errno: Errno;
      readonly message: string;
      /** Of ESTALE: the lock whose token was refused. Unset: another boot, or an agent of an earlier version. */
      readonly staleLock?: LockName;
    };

export interface BlockInspection {
  readonly blockId: number;
  readonly state: MemoryBlockState;
  readonly zone?: Zone;
  readonly numaNode?: number;
}

/** A node as it is right now. */
export interface NodeInspection {
  readonly bootId: string;
  readonly blockSizeBytes: number;
  /** Memory in online blocks; changes by hand of the last moments may not show. Unset: an agent of an earlier version. */
  readonly onlineBytes?: number;
  readonly capabilities: DriverCapabilities;
  /** The blocks asked for, `absent` ones included. */
  readonly blocks: readonly BlockInspection[];
}

/** Locks whose tokens each step must carry; `device_lock` stands for the lock of the step's block or CPU. Explained in docs/locks.md. */
const DEMANDED = {
  // A claim is given back under D alone: mem_hotplug_lock may be what could not be had.
  add: { prepare: ['D'], commit: ['D', 'M'], finish: ['D'], abort: ['D'] },
  online: { prepare: ['D', 'L', 'M'], commit: ['D', 'L', 'M'], finish: ['D', 'L'], abort: ['D', 'L', 'M'] },
  offline: { prepare: ['D', 'L', 'M'], commit: ['D', 'L', 'M'], finish: ['D', 'L'], abort: ['D', 'L', 'M'] },
  remove: { prepare: ['D'], commit: ['D', 'M', 'L'], finish: ['D', 'M'], abort: ['D'] },
  'online-cpu': { prepare: ['D', 'L'], commit: ['D', 'L'], finish: ['D', 'L'], abort: ['D', 'L'] },
  'offline-cpu': { prepare: ['D', 'L'], commit: ['D', 'L'], finish: ['D', 'L'], abort: ['D', 'L'] },
  'add-device': { prepare: ['M'], commit: ['M'], finish: ['M'], abort: ['M'] },
  'remove-device': { prepare: ['M'], commit: ['M'], finish: ['M'], abort: ['M'] },
} as const satisfies Record<DriverOperation, Record<DriverStep, readonly ('D' | 'L' | 'M')[]>>;

/** The locks that `call` must hold tokens of. */
export function demandedLocks(call: DriverCall): readonly LockName[] {
  const names: Record<'D' | 'L' | 'M', LockName> = {
    D: DEVICE_HOTPLUG_LOCK,
    L: call.cpu === undefined ? deviceLock(call.blockId ?? -1) : cpuDeviceLock(call.cpu),
    M: MEM_HOTPLUG_LOCK,
  };
  return DEMANDED[call.operation][call.step]
    .filter((lock) => !(lock === 'D' && call.withoutDeviceHotplugLock))
    .map((lock) => names[lock]);
}
