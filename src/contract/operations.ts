/** Arguments and outcomes of the four operation workflows. A veto and an errno are outcomes; only breakage throws. */
import type { Errno } from '../kernel/errno.ts';
import type { MemoryBlockState, OnlineType, OperationType } from '../kernel/memory-block.ts';
import type { Zone } from '../kernel/zone.ts';
import type { MemoryRange } from './driver.ts';
import type { NotifierStatus, OperationCause, OperationResult, RetryStatus } from './resources.ts';

/** Workflow type of each operation; the function in workflows/ has this name. */
export const OPERATION_WORKFLOW = {
  add: 'addMemory',
  online: 'onlineMemory',
  offline: 'offlineMemory',
  remove: 'removeMemory',
} as const satisfies Record<OperationType, string>;

/** The MemoryBlock on whose behalf an operation runs. */
export interface BlockReference {
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
}

/** Durations that tests shorten. */
export interface OperationTimings {
  /** How long an activity on the node's queue may wait for its agent before that is reported. */
  readonly agentStartMs: number;
  /** One total deadline for each action of the notifier chain. */
  readonly chainMs: number;
  /** A driver step that is silent for so long is given to the next agent. */
  readonly heartbeatMs: number;
  /** An offline that waits for a permit asks again after so long, then ever more rarely. */
  readonly permitRepeatMs: number;
}

export const DEFAULT_TIMINGS: OperationTimings = {
  agentStartMs: 10_000,
  chainMs: 60_000,
  heartbeatMs: 10_000,
  permitRepeatMs: 60_000,
};

/** What every operation is started with. */
export interface OperationInput {
  readonly cluster: string;
  readonly node: string;
  /**
   * Unset when an operation is started directly, without an object: then nothing is read from or written to one, but what
   * an operation that died has left there.
   */
  readonly block?: BlockReference;
  readonly lockTimeoutMs: number;
  readonly timings?: Partial<OperationTimings>;
  /** Fault mode: skip device_hotplug_lock and ask for locks one by one. Shows the inversion; never used by the operator. */
  readonly withoutDeviceHotplugLock?: boolean;
}

export interface AddMemoryInput extends OperationInput {
  readonly range: MemoryRange;
  readonly numaNode?: number;
}

export interface OnlineMemoryInput extends OperationInput {
  readonly blockId: number;
  readonly onlineType: OnlineType;
}

export interface OfflineMemoryInput extends OperationInput {
  readonly blockId: number;
  readonly offlineTimeoutMs: number;
  /** How many offlines may be under way in the fleet, this one included; at least 1. Unset: any number, and nobody is asked. */
  readonly maxConcurrentOfflines?: number;
}

export interface RemoveMemoryInput extends OperationInput {
  readonly range: MemoryRange;
}

/** What the controller starts: an operation with its arguments. */
export type OperationRequest =
  | { readonly type: 'add'; readonly input: AddMemoryInput }
  | { readonly type: 'online'; readonly input: OnlineMemoryInput }
  | { readonly type: 'offline'; readonly input: OfflineMemoryInput }
  | { readonly type: 'remove'; readonly input: RemoveMemoryInput };

/**
 * So many calls of notifiers are kept of an operation. With reasons of the greatest length some 700 KiB: below etcd's limit of
 * 1.5 MiB for an object, and the server's of 2 MiB for a payload.
 */
export const NOTIFIER_CALLS_MAX = 512;

/** What an operation was held against that was refused before anybody was asked: once it changes, it is tried again at once. */
export type RefusalGrounds = Pick<RetryStatus, 'chain' | 'minOnline'>;

/** What the workflow returns and what is written into the MemoryBlock's status. */
export interface OperationOutcome {
  readonly type: OperationType;
  readonly result: OperationResult;
  readonly errno?: Errno;
  /** One sentence; names the plugin of a veto. */
  readonly message: string;
  /** Nothing was left to do when the operation looked again. */
  readonly noop?: boolean;
  /** Set when the result is about something else than the memory itself. */
  readonly cause?: OperationCause;
  readonly retryAfterSeconds?: number;
  readonly state?: MemoryBlockState;
  readonly zone?: Zone;
  readonly bootId?: string;
  /** The plugin calls of the operation in order, the first NOTIFIER_CALLS_MAX of them. */
  readonly notifiers: readonly NotifierStatus[];
  /** Fingerprint of the registered notifiers; see RetryStatus.chain. */
  readonly chain?: string;
  /** Of a refusal. */
  readonly grounds?: RefusalGrounds;
  /** Token of the block's device_lock. */
  readonly fencingToken?: number;
}

/** Of a running operation: what it is doing, for `status.operation.phase` and for people. */
export interface OperationPhase {
  readonly phase:
    | 'WaitingForPermit'
    | 'WaitingForLocks'
    | 'LookingAgain'
    | 'WaitingForReaders'
    | 'WaitingForAgent'
    | 'Notifying'
    | 'Driving'
    | 'Releasing'
    | 'Recording'
    | 'Ended';
  /** RFC 3339. */
  readonly since: string;
  readonly detail?: string;
}

/** Query of every operation workflow; answers an OperationPhase. */
export const OPERATION_PHASE_QUERY = 'operationPhase';

/** Memo of every operation workflow started by the controller: whose it is. */
export interface OperationMemo {
  readonly type: OperationType;
  readonly uid?: string;
  readonly generation?: number;
  /** Of a recovery: the run that died. */
  readonly recovers?: string;
}
