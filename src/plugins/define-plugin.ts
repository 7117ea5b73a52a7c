/**
 * The API for authors of notifier plugins: `definePlugin` and the four answers. The contract (delivery, deadlines,
 * CANCEL, configuration) is docs/plugins.md.
 */
import type { Errno } from '../kernel/errno.ts';
import { NOTIFIER_API_VERSION, type MemoryNotify, type NotifierAnswer } from '../contract/notifier.ts';
import type { ClusterReader } from './cluster-reader.ts';
import type { NodeLeases } from './node-leases.ts';

/** For plugins of every transport; a webhook is sent a NotifyReviewRequest and answers a NotifyReviewResponse. */
export type { MemoryNotify, NotifierAnswer, NotifyReviewRequest, NotifyReviewResponse } from '../contract/notifier.ts';

/** Lines go to the operator's log, with the plugin's name. */
export interface PluginLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export interface PluginContext {
  /** Aborted shortly before the deadline: give up what you wait for and answer. At the deadline the thread ends. */
  readonly signal: AbortSignal;
  readonly log: PluginLog;
  readonly cluster: ClusterReader;
  /** The Leases of nodes, for a plugin that declares `uses: ['leases']`; every call of another one rejects. */
  readonly leases: NodeLeases;
}

/** What a plugin gets only when it says that it needs it, because it can change something. */
export const PLUGIN_USES = ['leases'] as const;
export type PluginUse = (typeof PLUGIN_USES)[number];

export interface PluginDefinition<Config> {
  /** What `MemoryNotifier.spec.plugin.name` says: a DNS label, unique among the operator's plugins. */
  readonly name: string;
  /** One sentence for `memhp notifiers`. */
  readonly description: string;
  /**
   * JSON schema (draft-07) of `spec.plugin.config`; what does not match is refused before `notify` sees it. Strings may
   * have `format: cron-expression` (five fields) or `iana-time-zone`.
   */
  readonly configSchema: Readonly<Record<string, unknown>>;
  /** What of the context it needs beyond reading; nothing when unset. */
  readonly uses?: readonly PluginUse[];
  /**
   * Answers one action about one block. Called at least once per action, for several nodes at the same time, and for
   * CANCEL actions also when the GOING action never arrived: it must be idempotent.
   */
  notify(event: MemoryNotify, config: Config, context: PluginContext): NotifierAnswer | Promise<NotifierAnswer>;
}

export interface NotifierPlugin<Config> extends PluginDefinition<Config> {
  readonly apiVersion: typeof NOTIFIER_API_VERSION;
}

/** A plugin's module exports the result as `plugin`. */
export function definePlugin<Config = Readonly<Record<string, never>>>(
  definition: PluginDefinition<Config>,
): NotifierPlugin<Config> {
  return Object.freeze({ ...definition, apiVersion: NOTIFIER_API_VERSION });
}

/** NOTIFY_OK: agreed. */
export function ok(reason?: string): NotifierAnswer {
  return { result: 'NOTIFY_OK', ...(reason !== undefined && { reason }) };
}

/** NOTIFY_DONE: not my business. */
export function done(reason?: string): NotifierAnswer {
  return { result: 'NOTIFY_DONE', ...(reason !== undefined && { reason }) };
}

/** NOTIFY_STOP: agreed, and nobody of lower priority is asked. */
export function stop(reason?: string): NotifierAnswer {
  return { result: 'NOTIFY_STOP', ...(reason !== undefined && { reason }) };
}

/**
 * NOTIFY_BAD with an errno: a veto of a GOING action; to any other action it only keeps the rest of the chain from being
 * told. `reason` is read by the person who waits for the block.
 */
export function veto(
  errno: Errno,
  reason: string,
  prospect: Pick<NotifierAnswer, 'retryAfterSeconds' | 'outlook'> = {},
): NotifierAnswer {
  return { result: 'NOTIFY_BAD', errno, reason, ...prospect };
}
