/** What tells kinds of nodes apart: which NodeMemory objects are served, and how the driver behind one is opened. */
import type { Logger } from 'winston';
import type { MemoryDriver } from '../contract/memory-driver.ts';
import type { NodeMemory, NodeMemorySpec } from '../contract/resources.ts';

export interface NodeSource {
  /** Served for as long as the process runs, and created where missing; unset: those that `isOurs` says. */
  readonly nodes?: readonly string[];
  /** The driver works on this host itself: one agent per host, whatever its node is called. */
  readonly isHostWide: boolean;
  /** Each node is one of the cluster's, and has a Node: without it, it has left. */
  readonly needsNode: boolean;
  isOurs(node: NodeMemory): boolean;
  /** Why this driver must not serve one that is ours, and what to do; undefined: it may. */
  refusal(node: NodeMemory): string | undefined;
  /** Of a NodeMemory that the agent creates; `lost` is the one that was there before. */
  newSpec(lost?: NodeMemory): NodeMemorySpec;
  /** Reason of AgentReady where `open` throws. */
  readonly openFailure: 'InvalidSpec' | 'DriverFailed';
  /** Throws an Error that says what is wrong. */
  open(node: NodeMemory, surroundings: NodeSurroundings): OpenedNode;
}

export interface NodeSurroundings {
  /** The node's own; nobody else uses it at the same time. */
  readonly directory: string;
  readonly logger: Logger;
}

export interface OpenedNode {
  readonly driver: MemoryDriver;
  /** Takes over a spec that was edited. Throws an Error that says what is wrong, and goes on as before. */
  configure?(spec: NodeMemorySpec): void;
}
