/** What the agent needs from a driver; implemented in src/drivers/, tested by one contract suite for all. */
import type { SettleInput, SettleResult } from './activities.ts';
import type { DriverCall, DriverResult, NodeInspection } from './driver.ts';
import type { NodeMemoryStatus, ObservedBlock } from './resources.ts';

export interface StepContext {
  /** Aborted when the operation is cancelled: a long step answers EINTR. */
  readonly signal: AbortSignalLike;
  /** Tells that the step is alive; `progress` is shown to whoever looks at the pending activity. */
  heartbeat(progress: string): void;
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
  /** See NodeActivities.settle. */
  settle(request: SettleRequest): Promise<SettleResult>;
  /** What NodeMemory.status shows: block ranges, sizes, boot id, capabilities. */
  status(): Promise<NodeMemoryStatus>;
  observe(blockId: number): Promise<ObservedBlock>;
  /** Calls `listener` whenever a block may have changed, by us or behind our back. Returns the unsubscribe function. */
  onChange(listener: () => void): () => void;
  close(): Promise<void>;
}
