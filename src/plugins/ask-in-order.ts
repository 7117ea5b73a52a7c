import type { CallPluginsInput } from '../contract/activities.ts';
import {
  NOT_ASKED,
  notifyOf,
  type MemoryNotify,
  type NotifierCallResult,
  type NotifierReply,
  type RegisteredNotifier,
} from '../contract/notifier.ts';
import { answerChain, beginChain, type ChainWalk } from '../kernel/notifier-chain.ts';

/** Asks one plugin until the event's deadline; resolves whatever the plugin does. */
export type AskPlugin = (notifier: RegisteredNotifier, event: MemoryNotify) => Promise<NotifierReply>;

export interface Clock {
  /** From any beginning; nobody sets it. */
  readonly monotonicMs: () => number;
  /** Since the epoch, as this machine has it. */
  readonly wallMs: () => number;
}

const CLOCK: Clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };

/**
 * Asks plugins one after the other, each within its own time and that of the walk, until one of them ends the walk. Each
 * event's deadline is by the wall clock of this machine, and read by no other.
 */
export async function askInOrder(
  { notifiers, walk: told, leftMs }: CallPluginsInput,
  ask: AskPlugin,
  { monotonicMs, wallMs }: Clock = CLOCK,
): Promise<readonly NotifierCallResult[]> {
  const results: NotifierCallResult[] = [];
  const endMs = monotonicMs() + leftMs;
  let walk: ChainWalk<RegisteredNotifier> = beginChain(told.action, notifiers);
  for (let [next] = walk.remaining; next; [next] = walk.remaining) {
    const startedMs = monotonicMs();
    const timeoutMs = Math.min(next.timeoutMs, endMs - startedMs);
    const event = notifyOf(told, next.name, new Date(wallMs() + timeoutMs).toISOString());
    const reply = timeoutMs > 0 ? await ask(next, event) : NOT_ASKED;
    results.push({ reply, durationMs: Math.round(monotonicMs() - startedMs) });
    walk = answerChain(walk, reply);
  }
  return results;
}
