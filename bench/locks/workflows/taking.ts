/** What every requester of the benchmark is given and answers; a requester takes the locks, gives them back and ends. */
import { DEVICE_HOTPLUG_LOCK, deviceLock, MEM_HOTPLUG_LOCK } from '../../../src/contract/lock-names.ts';

const BLOCK_ID = 32;
/** The lock set of onlining one memory block, in the kernel's order. */
export const LOCK_SET = [DEVICE_HOTPLUG_LOCK, deviceLock(BLOCK_ID), MEM_HOTPLUG_LOCK] as const;

/** Longer than any crowd of contenders takes: nobody is to give up. */
export const PATIENCE_MS = 600_000;

export interface Taking {
  readonly cluster: string;
  readonly node: string;
}

export interface TakenLocks {
  /** From the first message until all locks were held, by the workflow's clock. */
  readonly waitMs: number;
  /** Fencing token of each lock, of those that have them. */
  readonly tokens: readonly number[];
}

/** The workflow that stands for one lock, where each lock has one of its own. */
export function lockWorkflowId({ cluster, node }: Taking, kind: string, lock: string): string {
  return `${cluster}/${kind}/${node}/${lock}`;
}
