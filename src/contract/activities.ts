/**
 * Activity interfaces, declared here and implemented elsewhere (`satisfies`): inferring them from the implementation
 * would drag the implementation's types into the workflow sandbox.
 */
import type { LockServiceClaim } from '../kernel/lock-epoch.ts';
import type { OnlineType, OperationType } from '../kernel/memory-block.ts';
import type { BlockInspection, DriverCall, DriverResult, MemoryRange, NodeInspection, RunReference } from './driver.ts';
import type { LockMessage } from './locks.ts';
import type { MemoryNotify, NotifierReply, RegisteredNotifier } from './notifier.ts';
import type { BlockReference, OperationOutcome } from './operations.ts';

export interface LookAgainInput {
  readonly cluster: string;
  readonly type: OperationType;
  readonly node: string;
  readonly owner: RunReference;
  readonly startTime: string;
  readonly block?: BlockReference;
  /** The device as the driver saw it under device_hotplug_lock. */
  readonly inspection: BlockInspection;
  readonly bootId: string;
  readonly blockSizeBytes: number;
}

/** What the operation finds under device_hotplug_lock. */
export type LookAgainResult =
  | {
      readonly verdict: 'proceed';
      /** From the object as it is now, where there is one. */
      readonly onlineType?: OnlineType;
      readonly offlineTimeoutMs?: number;
      /** auto_online_blocks of the node; `offline` when not set. */
      readonly autoOnline: OnlineType | 'offline';
      readonly notifiers: readonly RegisteredNotifier[];
      readonly chain: string;
    }
  | { readonly verdict: 'nothing-to-do'; readonly message: string }
  | { readonly verdict: 'superseded'; readonly message: string }
  /** The node's own floor forbids it, whatever the plugins would say. */
  | { readonly verdict: 'refused'; readonly message: string };

export interface NotifyInput {
  readonly notifier: RegisteredNotifier;
  readonly event: MemoryNotify;
}

export interface RecordOutcomeInput {
  readonly node: string;
  readonly owner: RunReference;
  readonly block: BlockReference;
  readonly outcome: OperationOutcome;
}

/** Run by the operator on the operations queue. */
export interface OperationActivities {
  /** Re-reads the object and snapshots the notifier chain; records `status.operation`. Caller holds device_hotplug_lock. */
  lookAgain(input: LookAgainInput): Promise<LookAgainResult>;
  /** Asks one plugin about one action. Never throws because of the plugin: a crash or timeout is a reply of kind error. */
  callNotifier(input: NotifyInput): Promise<NotifierReply>;
  /** Writes the outcome into the MemoryBlock; caller holds nothing any more. Idempotent by run id. */
  recordOutcome(input: RecordOutcomeInput): Promise<void>;
}

export interface LockMessageInput {
  readonly cluster: string;
  readonly node: string;
  readonly message: LockMessage;
}

/**
 * Run as local activities by whoever runs the workflow. Both send one message to the node's lock entity, start the entity
 * if it is not there, and return when the message is recorded; they differ in name, for whoever reads a timeline.
 */
export interface LockActivities {
  takeLocks(input: LockMessageInput): Promise<void>;
  releaseLocks(input: LockMessageInput): Promise<void>;
}

export interface ClaimLockServiceInput extends LockServiceClaim {
  readonly node: string;
}

/** Run by the operator on the locks queue. */
export interface LockServiceActivities {
  /**
   * Records the lock entity's run in NodeMemory.status.lockService by compare-and-set and returns its epoch: the same
   * when the recorded run is the one continued, else one higher than any before. Fails closed: no epoch, no grants.
   */
  claimLockService(input: ClaimLockServiceInput): Promise<{ epoch: number }>;
}

/** Which blocks to look at: by id, or all that a physical range touches. */
export type InspectInput =
  | { readonly node: string; readonly blockIds: readonly number[] }
  | { readonly node: string; readonly range: MemoryRange };

/** Run by the node's agent on the node's queue. */
export interface NodeActivities {
  inspect(input: InspectInput): Promise<NodeInspection>;
  /** One driver step; an errno is a result, not a failure. Long steps heartbeat and can be cancelled (EINTR). */
  driverStep(call: DriverCall): Promise<DriverResult>;
}
