/**
 * Activity interfaces, declared here and implemented elsewhere (`satisfies`): inferring them from the implementation
 * would drag the implementation's types into the workflow sandbox.
 */
import type { Errno } from '../kernel/errno.ts';
import type { LockServiceClaim, LockServiceRecord } from '../kernel/lock-epoch.ts';
import type { LockTable } from '../kernel/lock-queue.ts';
import type { LockHolder, LockName } from '../kernel/lock.ts';
import type { LockdepReport } from '../kernel/lockdep.ts';
import type { OnlineType, OperationType } from '../kernel/memory-block.ts';
import type { DeadOperation, Debt } from './dead-operation.ts';
import type { BlockInspection, DriverCall, DriverResult, MemoryRange, NodeInspection, RunReference } from './driver.ts';
import type { LockMessage, RequestLocksAnswer } from './locks.ts';
import type { NotifierCallResult, RegisteredNotifier, WalkNotify } from './notifier.ts';
import type { BlockReference, OperationOutcome, RefusalGrounds } from './operations.ts';

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
  /** As the driver saw it, too. Unset: it did not tell; then NodeMemory.status.online counts, which may lag. */
  readonly onlineBytes?: number;
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
  /** The node's own floor forbids it, whatever the plugins would say; or the chain is too long to be asked. */
  | { readonly verdict: 'refused'; readonly message: string; readonly grounds: RefusalGrounds }
  /** An operation on this block died before: what it owes comes first, then another look. */
  | { readonly verdict: 'indebted'; readonly debt: Debt };

export interface FindDebtInput {
  readonly node: string;
  readonly blockId: number;
  readonly block?: BlockReference;
  readonly dead: DeadOperation;
}

interface CallInput {
  readonly walk: WalkNotify;
  /**
   * What is left of the walk when the activity is scheduled. Not a point in time: the workflow has the time of the server,
   * and the operator's clock may show another.
   */
  readonly leftMs: number;
}

/** Plugins that run inside the operator and stand next to each other in the chain. */
export interface CallPluginsInput extends CallInput {
  /** In call order. */
  readonly notifiers: readonly RegisteredNotifier[];
}

export interface CallWebhookInput extends CallInput {
  readonly notifier: RegisteredNotifier;
}

export interface RecordOutcomeInput {
  readonly node: string;
  readonly owner: RunReference;
  readonly block: BlockReference;
  readonly outcome: OperationOutcome;
}

/** What the MemoryBlock says after the outcome of an operation was written; undefined: there is no such object any more. */
export interface RecordedOutcome {
  /** RFC 3339; unset: nothing is left to be tried again. */
  readonly retryTime?: string;
}

/** Run by the operator on the operations queue. */
export interface OperationActivities {
  /** Re-reads the object and snapshots the notifier chain; records `status.operation`. Caller holds device_hotplug_lock. */
  lookAgain(input: LookAgainInput): Promise<LookAgainResult>;
  /** What a dead operation owes; undefined when somebody else has delivered it already. Caller holds device_hotplug_lock. */
  findDebt(input: FindDebtInput): Promise<Debt | undefined>;
  /**
   * Asks plugins one after the other about one action, until one of them ends the walk. Never throws because of a plugin: a
   * crash or timeout is a reply of kind error.
   */
  callPlugins(input: CallPluginsInput): Promise<readonly NotifierCallResult[]>;
  /** Asks one webhook about one action; as little as `callPlugins` does it throw because of the plugin. */
  callWebhook(input: CallWebhookInput): Promise<NotifierCallResult>;
  /** Writes the outcome into the MemoryBlock; caller holds nothing any more. Idempotent by run id. */
  recordOutcome(input: RecordOutcomeInput): Promise<RecordedOutcome | undefined>;
}

export interface LockMessageInput {
  readonly cluster: string;
  readonly node: string;
  readonly message: LockMessage;
}

/**
 * Run as local activities by whoever runs the workflow. Each sends one message to the node's lock entity, starts the entity
 * if it is not there, and returns when the message is recorded; they differ in name, for whoever reads a timeline.
 */
export interface LockActivities {
  /** Answers the grant where all locks were free. `sent`: requests go by signal only, and are answered by one. */
  takeLocks(input: LockMessageInput): Promise<RequestLocksAnswer | { readonly kind: 'sent' }>;
  releaseLocks(input: LockMessageInput): Promise<void>;
  /** A holder is not heard of, or has returned. */
  reportHolder(input: LockMessageInput): Promise<void>;
}

export interface ClaimLockServiceInput extends LockServiceClaim {
  readonly cluster: string;
  readonly node: string;
  /** A claim that must be refused fails at once, with EPOCH_REFUSED; unset: it is tried again until somebody has mended the cause. */
  readonly mayBeRefused?: true;
}

/** Type of the failure of a claim for which there is no epoch; its message says what to do. */
export const EPOCH_REFUSED = 'EpochRefused';

/** `claim-again`: the record is not the one that the run has claimed. An activity of an earlier version answers nothing: recorded. */
export type RecordRecoveredResult = 'recorded' | 'claim-again';

/** Of a claim: what is recorded now. Earlier runs, or a lost predecessor, must be seen to before anything is granted. */
export type ClaimLockServiceResult = Pick<LockServiceRecord, 'epoch' | 'recovers' | 'isPredecessorLost'>;

export interface RecoverLockTableInput {
  readonly cluster: string;
  readonly node: string;
  readonly runId: string;
  /** Runs whose histories are read by id, which no lag of visibility can hide. */
  readonly recovers: readonly string[];
}

/** What earlier runs of a lock entity granted and promised. */
export interface RecoverLockTableResult {
  readonly table: LockTable;
  /** Some history could not be read: what `table` does not name may be held all the same, and must be settled. */
  readonly isComplete: boolean;
}

export interface DescribeHoldersInput {
  readonly cluster: string;
  readonly node: string;
  readonly holders: readonly LockHolder[];
}

export interface DescribeHoldersResult {
  /** Run ids of those that are known to be closed, or unknown to the server. */
  readonly closed: readonly string[];
  /** Set when nothing can be in progress on the node any more, whatever its agent says: it has left the cluster or rebooted. */
  readonly nodeIsOver?: string;
}

export interface ReportLockdepInput {
  readonly node: string;
  readonly report: LockdepReport;
}

export interface AuditLockReleaseInput {
  readonly node: string;
  readonly lock: LockName;
  readonly token: number;
  readonly holder: LockHolder;
  readonly purpose: string;
  readonly by: string;
  readonly reason: string;
  /** Without settling: the node may still be at work for the holder. */
  readonly isUnsafe: boolean;
}

/** Run by the operator on the locks queue. */
export interface LockServiceActivities {
  /**
   * Records the lock entity's run in NodeMemory.status.lockService by compare-and-set and returns its epoch: the same
   * when the recorded run is the one continued, else one higher than any before. Fails closed: no epoch, no grants.
   */
  claimLockService(input: ClaimLockServiceInput): Promise<ClaimLockServiceResult>;
  /** Reads the histories of earlier runs, strongly consistent by run id. */
  recoverLockTable(input: RecoverLockTableInput): Promise<RecoverLockTableResult>;
  /** Notes in NodeMemory.status.lockService that the recovery is complete: the earlier runs matter no more. */
  recordRecovered(input: { readonly node: string; readonly record: LockServiceRecord }): Promise<RecordRecoveredResult>;
  /** Which holders are closed. Looked at only while somebody waits for them. */
  describeHolders(input: DescribeHoldersInput): Promise<DescribeHoldersResult>;
  /** A warning event on the NodeMemory that names both chains. */
  reportLockdep(input: ReportLockdepInput): Promise<void>;
  /** A warning event on the NodeMemory: a human took a lock away. */
  auditLockRelease(input: AuditLockReleaseInput): Promise<void>;
}

/** Which blocks to look at: by id, or all that a physical range touches. */
export type InspectInput =
  | { readonly node: string; readonly blockIds: readonly number[] }
  | { readonly node: string; readonly range: MemoryRange };

/** Of a writer of mem_hotplug_lock: the readers on the node itself are kept out from `beginWrite` to `endWrite`. */
export interface WriteGateInput {
  readonly node: string;
  readonly owner: RunReference;
  /** Token of mem_hotplug_lock. */
  readonly token: number;
}

export interface BeginWriteInput extends WriteGateInput {
  /** The call before was answered `waiting`. */
  readonly isWaiting?: boolean;
  /** Answer `waiting` after this long at the latest: what is left of the lock timeout. */
  readonly limitMs?: number;
}

/** A process on the node that holds memory in place: `get_online_mems()`; or that still writes. */
export interface OnlineMemsReader {
  readonly pid: number;
  /** As in /proc/<pid>/comm; of a Node process the program and its script. */
  readonly command: string;
  /** RFC 3339: since when the writer has seen it. */
  readonly since: string;
  /** It does a write that an agent began which has gone since. */
  readonly writes?: true;
}

export type BeginWriteResult =
  | { readonly kind: 'begun' }
  /** The turnstile stays closed to later readers; call again to go on waiting. */
  | { readonly kind: 'waiting'; readonly readers: readonly OnlineMemsReader[] }
  /** ESTALE: a later writer, or a settlement, has overtaken the token. */
  | { readonly kind: 'refused'; readonly errno: Errno; readonly message: string };

/** What is refused from now on: each lock's tokens up to and including the one given, and all tokens below `below`. */
export interface SettleInput {
  readonly node: string;
  readonly tokens?: Readonly<Record<LockName, number>>;
  readonly below?: number;
  /** The closed runs whose tokens these are: readers are let in if one of them still keeps them out. */
  readonly runs?: readonly string[];
}

/** The node after the settlement: no step of a settled token is under way, or will be. */
export interface SettleResult {
  readonly bootId: string;
  /** The highest token that the node has ever seen; 0: none. */
  readonly highestToken: number;
  /** Of the locks that were asked about: the highest token seen, where that is later than what was asked. Unset: none is. */
  readonly overtaken?: Readonly<Record<LockName, number>>;
}

/** Run by the node's agent on the node's queue. */
export interface NodeActivities {
  inspect(input: InspectInput): Promise<NodeInspection>;
  /** One driver step; an errno is a result, not a failure. Long steps heartbeat and can be cancelled (EINTR). */
  driverStep(call: DriverCall): Promise<DriverResult>;
  /**
   * Keeps readers on the node out, and returns when those inside have left, or tells who they are. The first call
   * answers `waiting` after a moment; with `isWaiting` it answers only when something has changed, or after half a minute.
   * Cancelled it answers as well; the gate stays closed until `endWrite`.
   */
  beginWrite(input: BeginWriteInput): Promise<BeginWriteResult>;
  /**
   * Lets readers in again. Idempotent; a stale token changes nothing. Not needed where a driver step without the token of
   * mem_hotplug_lock follows: that tells the agent the same.
   */
  endWrite(input: WriteGateInput): Promise<void>;
  /**
   * Refuses tokens for good, interrupts what is under way with them, waits until it has stopped, and lets readers in.
   * What was prepared is undone, what was committed is finished. Idempotent.
   */
  settle(input: SettleInput): Promise<SettleResult>;
}
