/** What the agent needs from a driver; implemented in src/drivers/, tested by one contract suite for all. */
import type { SettleInput, SettleResult } from './activities.ts';
import type { DriverCall, DriverResult, NodeInspection } from './driver.ts';
import type { RequestedState } from '../kernel/memory-block.ts';
import type { NodeMemoryStatus, ObservedBlock } from './resources.ts';

export interface StepContext {
  /** Aborted when the operation is cancelled: a long step answers EINTR. */
  readonly signal: AbortSignalLike;
  /** Tells that the step is alive; `progress` is shown to whoever looks at the pending activity. */
  heartbeat(progress: string): void;
  /**
   * Descriptors that hold the reader gate shut. A process that does the step's work inherits them: readers stay out for as
   * long as it lives, whatever becomes of the agent. Unset: nothing is held.
   */
  readonly gateDescriptors?: readonly number[];
}

/** `auto_online_blocks`: what the kernel does by itself with memory that it adds. */
export interface AutoOnlineBlocks {
  /** Undefined where the kernel has no such file, or a word in it that we do not know. */
  read(): Promise<RequestedState | undefined>;
  /** Throws where it cannot be set. */
  write(value: RequestedState): Promise<void>;
}

/** The part of AbortSignal that drivers use; declared so that contract/ needs no DOM or Node types. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export type SettleRequest = Omit<SettleInput, 'node'>;

/** One node's driver. */
export interface MemoryDriver {
  readonly name: string;
  inspect(blockIds: readonly number[]): Promise<NodeInspection>;
  /** Refuses stale tokens and a changed boot id with ESTALE; repeats answer what was done. */
  step(call: DriverCall, context: StepContext): Promise<DriverResult>;
  /**
   * What has become of `call` where an earlier agent had begun it: its result, if it was done, or undefined if it has to be
   * done (again). Waits for a write that has outlived that agent; `signal` interrupts such a write, whose end is waited for
   * all the same. Begins nothing, so that it may be asked while readers are inside. Unset: no write outlives its agent.
   */
  resume?(call: DriverCall, context: StepContext): Promise<DriverResult | undefined>;
  /** See NodeActivities.settle. */
  settle(request: SettleRequest): Promise<SettleResult>;
  /** What NodeMemory.status shows: block ranges, sizes, boot id, capabilities. */
  status(): Promise<NodeMemoryStatus>;
  observe(blockId: number): Promise<ObservedBlock>;
  /** Unset: memory of this node comes online by operations only, never by itself. */
  readonly autoOnlineBlocks?: AutoOnlineBlocks;
  /** Calls `listener` whenever a block may have changed, by us or behind our back. Returns the unsubscribe function. */
  onChange(listener: () => void): () => void;
  close(): Promise<void>;
}
