/**
 * What a notifier plugin is asked and what it may answer; and the snapshot of the chain that one operation walks.
 * Mirrors `struct memory_notify` and the values of include/linux/notifier.h, v6.12.
 */
import type { MemoryAction } from '../kernel/memory-action.ts';
import type { OnlineType } from '../kernel/memory-block.ts';
import type { ChainAnswer, ChainEntry, ChainReply } from '../kernel/notifier-chain.ts';

/** Version of this contract; a plugin of another version is not registered. */
export const NOTIFIER_API_VERSION = 1;

/** One action about one block. Delivered at least once: a plugin must tolerate a repeat. */
export interface MemoryNotify {
  readonly apiVersion: typeof NOTIFIER_API_VERSION;
  readonly action: MemoryAction;
  readonly node: string;
  readonly blockId: number;
  readonly startPfn: number;
  readonly nrPages: number;
  /** `0x…` */
  readonly physicalAddress: string;
  readonly sizeBytes: number;
  readonly onlineType?: OnlineType;
  readonly numaNode?: number;
  readonly workflowId: string;
  readonly runId: string;
  /** Token per lock that the operation holds. */
  readonly tokens: Readonly<Record<string, number>>;
  /** RFC 3339; an answer after it counts as an error. */
  readonly deadline: string;
  readonly dryRun: boolean;
}

/** What a plugin answers. */
export type NotifierAnswer = ChainAnswer;

/** One registered MemoryNotifier as the operation saw it under device_hotplug_lock. */
export interface RegisteredNotifier extends ChainEntry {
  readonly uid: string;
  readonly timeoutMs: number;
  readonly plugin: { readonly name: string; readonly config: Readonly<Record<string, unknown>> };
}

/** What came of asking one plugin: an answer, or why there is none (crash, timeout, nonsense). */
export type NotifierReply = ChainReply;
