/** What an operation tells its worker process about each call of a notifier: best effort, not while replaying, no answer. */
import type { ChainCall } from '../kernel/notifier-chain.ts';

/** `name` is that of the MemoryNotifier. */
export interface NotifierCall extends ChainCall {
  readonly node: string;
  readonly blockId: number;
  readonly durationMs: number;
}

export interface NotifierCalls {
  called(call: NotifierCall): void;
}

/** As Temporal's `Sinks`, which must be made of mapped types. */
export type NotifierCallSinks = Record<'notifierCalls', Pick<NotifierCalls, keyof NotifierCalls>>;
