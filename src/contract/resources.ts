/** The custom resources of group memoryhotplug.io/v1alpha1, as TypeScript. The schemas that the API server enforces are in crds/. */
import type { Errno, HotplugErrno } from '../kernel/errno.ts';
import type { LockServiceRecord } from '../kernel/lock-epoch.ts';
import type { MemoryAction } from '../kernel/memory-action.ts';
import type { MemoryBlockState, OperationType, RequestedState } from '../kernel/memory-block.ts';
import type { Zone } from '../kernel/zone.ts';
import type { DriverStep } from './driver-step.ts';

export interface ObjectMeta {
  readonly name: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly { apiVersion: string; kind: string; name: string; uid: string }[];
}

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

export interface MemoryBlockSpec {
  readonly nodeName: string;
  readonly blockId: number;
  readonly numaNode?: number;
  /** Unset: observe only, hands off. */
  readonly state?: RequestedState;
  readonly deletionPolicy: 'Retain' | 'Remove';
  readonly driftPolicy: 'Report' | 'Correct';
  readonly offlineTimeoutSeconds: number;
  readonly lockTimeoutSeconds: number;
}

export type OperationResult = 'Succeeded' | 'Vetoed' | 'Failed' | 'Superseded' | 'Unknown';

export interface OperationStatus {
  readonly type: OperationType;
  readonly workflowId: string;
  readonly runId: string;
  readonly startTime: string;
  readonly generation?: number;
  readonly phase?: string;
  /**
   * Boot of the node when the operation took its second look. Unset: it has not done so, and nobody has been asked yet.
   */
  readonly bootId?: string;
}

export interface LastOperation {
  readonly type: OperationType;
  readonly result: OperationResult;
  readonly runId?: string;
  readonly errno?: Errno;
  readonly message: string;
  readonly completionTime: string;
  /** Generation of the spec that it was started for; a retry waits only while the spec is still that one. */
  readonly generation?: number;
  /** Set when the result is about something else than the memory itself. */
  readonly cause?: OperationCause;
}

export type OperationCause = 'AgentUnavailable' | 'LockTimeout' | 'Deadlock' | 'Infeasible' | 'Deferred';

/** One plugin's answer, as users see it. */
export interface NotifierStatus {
  readonly name: string;
  readonly action: MemoryAction;
  readonly result: string;
  readonly errno?: Errno;
  readonly reason?: string;
  /** Of a veto: RFC 3339, when the operation is tried again. */
  readonly retryTime?: string;
}

export interface RetryStatus {
  readonly count: number;
  readonly nextTime: string;
  /** Fingerprint of the notifiers that vetoed, or were too many to be asked; another one means: try again at once. */
  readonly chain?: string;
  /** `NodeMemory.spec.minOnline` that refused an offline; another one, or none, means the same. */
  readonly minOnline?: string;
}

/** Fields that the agent owns: what it saw on the node. */
export interface ObservedBlock {
  readonly state?: MemoryBlockState;
  readonly zone?: Zone;
  readonly physicalAddress?: string;
  readonly blockSize?: string;
  /** Boot of the node in which this was seen; in the same write as the state, so that neither is taken for another's. */
  readonly bootId?: string;
}

export interface MemoryBlockStatus extends ObservedBlock {
  readonly observedGeneration?: number;
  readonly operation?: OperationStatus;
  readonly lastOperation?: LastOperation;
  readonly notifiers?: readonly NotifierStatus[];
  readonly retry?: RetryStatus;
  /** Token of device_lock/memoryN; may only grow. */
  readonly fencingToken?: number;
  /** `bootId` when the block was last Ready: a difference means a reboot, not drift. */
  readonly readyBootId?: string;
  /** Generation that the block was last Ready at; together with readyBootId it tells drift from unfinished work. */
  readonly readyGeneration?: number;
  readonly conditions?: readonly Condition[];
}

export interface MemoryBlock {
  readonly metadata: ObjectMeta;
  readonly spec: MemoryBlockSpec;
  readonly status?: MemoryBlockStatus;
}

/** Blocks that share state and place; `range` as in `parseBlockRanges`. */
export interface SimulatedBlocks {
  readonly range: string;
  readonly state: 'online' | 'offline';
  readonly zone?: Zone;
  readonly numaNode?: number;
}

export interface SimulatedError {
  readonly operation: OperationType;
  readonly step: DriverStep;
  readonly errno: HotplugErrno;
  /** Only these blocks; all when unset. */
  readonly range?: string;
}

/** Layout at boot, and behaviour, of a simulated node. Behaviour may be changed while it runs. */
export interface SimulatedSpec {
  /** Quantity; 128Mi when unset. */
  readonly blockSize?: string;
  readonly blocks?: readonly SimulatedBlocks[];
  /** Highest block id that can be addressed; adding beyond answers E2BIG. */
  readonly maxBlockId?: number;
  /** NUMA nodes that exist; adding to another answers EINVAL. Only node 0 when unset. */
  readonly numaNodes?: readonly number[];
  /** How many CPUs there are, all online at boot; 4 when unset. cpu0 cannot be taken offline. */
  readonly cpus?: number;
  /** The kernel's movable_node boot parameter: where neither zone spans a block, it goes online Movable. */
  readonly movableNode?: boolean;
  /** Block ranges with a page that cannot be isolated: offline answers EBUSY before any notifier is asked. */
  readonly unmovable?: string;
  /** Block ranges with a page found unmovable only while migrating: EBUSY after MEM_GOING_OFFLINE, so CANCEL follows. */
  readonly pinned?: string;
  /** Block ranges with memory holes: offline answers EINVAL. */
  readonly holes?: string;
  /** Block ranges with a poisoned page: online answers EHWPOISON. */
  readonly poisoned?: string;
  /** How long migrating one block's pages away takes; 0 when unset. */
  readonly migrationMs?: number;
  /** How long each driver step takes on top; 0 when unset. */
  readonly stepDelayMs?: number;
  readonly errors?: readonly SimulatedError[];
}

export interface NodeMemorySpec {
  readonly autoOnline?: RequestedState;
  readonly discovery?: 'None' | 'Removable' | 'All';
  readonly minOnline?: string;
  readonly simulated?: SimulatedSpec;
}

export interface DriverCapabilities {
  readonly add: boolean;
  readonly remove: boolean;
  readonly online: boolean;
  readonly offline: boolean;
}

/** Epoch and run of the node's lock entity; the run that holds this record grants. */
export type LockServiceStatus = LockServiceRecord;

/** The kubelet's figure, and how much was online when it was first seen. */
export interface KubeletMemory {
  readonly capacity: string;
  readonly online: string;
  /** Boot of the node in which that was. */
  readonly bootId?: string;
  /** How much must have been online when the kubelet counted, going by its figure before; unset: as much as `online`. */
  readonly counted?: string;
}

export interface NodeMemoryStatus {
  readonly driver?: string;
  readonly capabilities?: DriverCapabilities;
  readonly blockSize?: string;
  readonly online?: string;
  readonly offline?: string;
  readonly blocks?: readonly { range: string; state: MemoryBlockState; zone?: Zone }[];
  readonly bootId?: string;
  /** Epoch of the highest fencing token that the node has seen; a lock service that knows less must begin above it. */
  readonly fencingEpoch?: number;
  readonly lockService?: LockServiceStatus;
  /** Absent where there is no Node object. */
  readonly kubelet?: KubeletMemory;
  readonly locks?: readonly { name: string; holders: readonly string[]; waiters: readonly string[] }[];
  readonly conditions?: readonly Condition[];
}

export interface NodeMemory {
  readonly metadata: ObjectMeta;
  readonly spec: NodeMemorySpec;
  readonly status?: NodeMemoryStatus;
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
}

/** A webhook's address: exactly one of `url` and `service`. */
export interface WebhookReference {
  /** `https://…` */
  readonly url?: string;
  readonly service?: ServiceReference;
  /** Base64 of PEM certificates: whom to trust instead of the system's authorities. */
  readonly caBundle?: string;
}

export interface ServiceReference {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** Begins with `/`. */
  readonly path?: string;
}

export interface TaskQueueReference {
  /** Literal: without the cluster's id in front. */
  readonly name: string;
  /** Type of the activity. */
  readonly activity: string;
}

/** Exactly one of `plugin`, `webhook` and `taskQueue`. */
export interface MemoryNotifierSpec {
  /** Taken out of the chain, and stays registered. */
  readonly suspend?: boolean;
  readonly priority: number;
  readonly actions?: readonly MemoryAction[];
  readonly nodeSelector?: LabelSelector;
  readonly blockSelector?: LabelSelector;
  readonly failurePolicy: 'Fail' | 'Ignore';
  readonly timeoutSeconds: number;
  readonly plugin?: { readonly name: string; readonly config?: Readonly<Record<string, unknown>> };
  readonly webhook?: WebhookReference;
  readonly taskQueue?: TaskQueueReference;
}

/** The last time that a plugin was asked. */
export interface LastCall {
  /** RFC 3339. */
  readonly time: string;
  readonly action: MemoryAction;
  /** As in NotifierStatus. */
  readonly result: string;
  readonly errno?: Errno;
  readonly reason?: string;
  readonly node: string;
  readonly blockId: number;
}

export interface MemoryNotifierStatus {
  /** Who is asked, in one line. */
  readonly target?: string;
  readonly lastCall?: LastCall;
  readonly conditions?: readonly Condition[];
}

export interface MemoryNotifier {
  readonly metadata: ObjectMeta;
  readonly spec: MemoryNotifierSpec;
  readonly status?: MemoryNotifierStatus;
}
