/**
 * What a notifier plugin is asked and what it may answer, on every transport; and the snapshot of the chain that one
 * operation walks. Mirrors `struct memory_notify` and the values of include/linux/notifier.h, v6.12.
 */
import type { MemoryAction } from '../kernel/memory-action.ts';
import type { OnlineType } from '../kernel/memory-block.ts';
import type { ChainAnswer, ChainEntry, ChainReply } from '../kernel/notifier-chain.ts';

/** Version of this contract; a plugin of another version is not registered. */
export const NOTIFIER_API_VERSION = 'notifier.memoryhotplug.io/v1';
/** Kind of the JSON object that a webhook is sent and answers. */
export const NOTIFY_REVIEW_KIND = 'MemoryNotifyReview';

/** One action about one block, as told to one notifier. Delivered at least once: a plugin must tolerate a repeat. */
export interface MemoryNotify {
  readonly apiVersion: typeof NOTIFIER_API_VERSION;
  /** The same in a repeat of the same call, and in no other. */
  readonly uid: string;
  /** Name of the MemoryNotifier on whose behalf the plugin is asked. */
  readonly notifier: string;
  readonly action: MemoryAction;
  /** Id of the cluster: first part of all its workflow ids. */
  readonly cluster: string;
  readonly node: string;
  readonly blockId: number;
  readonly startPfn: number;
  readonly nrPages: number;
  /** `0x…` */
  readonly physicalAddress: string;
  readonly sizeBytes: number;
  readonly onlineType?: OnlineType;
  readonly numaNode?: number;
  /** The operation that asks; pass it on as `causedBy` when asking for locks of the node. */
  readonly workflowId: string;
  /** The operation that this is about: the one that asks, or one that died, whose end is told by another. */
  readonly runId: string;
  /** Token per lock that the operation holds. */
  readonly tokens: Readonly<Record<string, number>>;
  /** RFC 3339; an answer after it counts as an error. By the clock of who asks: the operator, or for a task queue the server. */
  readonly deadline: string;
  /** Nothing will happen: answer as if it would, and change nothing. */
  readonly dryRun: boolean;
}

/** What is the same for every notifier of one walk. */
export type WalkNotify = Omit<MemoryNotify, 'uid' | 'notifier' | 'deadline'>;

/** The event for one notifier of a walk. */
export function notifyOf(walk: WalkNotify, notifier: string, deadline: string): MemoryNotify {
  const uid = `${walk.runId}/memory${String(walk.blockId)}/${walk.action}/${notifier}`;
  return { ...walk, uid, notifier, deadline };
}

/** What a plugin answers. */
export type NotifierAnswer = ChainAnswer;

/** What a webhook is sent. */
export interface NotifyReviewRequest {
  readonly apiVersion: typeof NOTIFIER_API_VERSION;
  readonly kind: typeof NOTIFY_REVIEW_KIND;
  readonly request: MemoryNotify;
}

/** What a webhook answers; `uid` is that of the request. */
export interface NotifyReviewResponse {
  readonly apiVersion: typeof NOTIFIER_API_VERSION;
  readonly kind: typeof NOTIFY_REVIEW_KIND;
  readonly response: NotifierAnswer & { readonly uid: string };
}

/** How the plugin of a MemoryNotifier is reached. */
export type NotifierTransport =
  | { readonly kind: 'plugin'; readonly name: string; readonly config: Readonly<Record<string, unknown>> }
  /** `https://…`; `caBundle`: PEM of whom to trust instead of the system's authorities. */
  | { readonly kind: 'webhook'; readonly url: string; readonly caBundle?: string }
  /** An activity of this name, on this queue, with the event as its only argument. */
  | { readonly kind: 'taskQueue'; readonly taskQueue: string; readonly activity: string }
  /** Cannot be asked, and why: counts as an error of the plugin. */
  | { readonly kind: 'invalid'; readonly problem: string };

/** One registered MemoryNotifier as the operation saw it under device_hotplug_lock. */
export interface RegisteredNotifier extends ChainEntry {
  readonly uid: string;
  readonly timeoutMs: number;
  readonly transport: NotifierTransport;
}

/** What came of asking one plugin: an answer, or why there is none (crash, timeout, nonsense). */
export type NotifierReply = ChainReply;

/** A reply, and how long it took. */
export interface NotifierCallResult {
  readonly reply: NotifierReply;
  readonly durationMs: number;
}

export const NOT_ASKED: NotifierReply = {
  kind: 'error',
  timedOut: true,
  message: 'not asked: the deadline of the whole chain has passed',
};
