/** Shows the last call of each notifier in its MemoryNotifier, without keeping any operation waiting. */
import type { KubeConfig } from '@kubernetes/client-node';
import { LAST_CALL_FIELD_MANAGER } from '../contract/names.ts';
import type { NotifierCall, NotifierCalls } from '../contract/notifier-calls.ts';
import type { LastCall } from '../contract/resources.ts';
import { systemClock, type Clock } from '../controller/clock.ts';
import type { Log } from '../controller/cluster.ts';
import { KeyedQueue } from '../controller/keyed-queue.ts';
import { isNotFound } from '../k8s/api-error.ts';
import { applyStatus } from '../k8s/apply-status.ts';
import { MEMORY_NOTIFIERS } from '../k8s/resource-kind.ts';
import { isVetoable } from '../kernel/memory-action.ts';

/** An operation calls a notifier twice within a fraction of a second: only the later call is worth a write. */
const GATHER_MS = 1_000;
/** Of different notifiers side by side. */
const CONCURRENCY = 4;
/** Nobody waits for a write but the end of the process. */
const WRITE_TIMEOUT_MS = 3_000;
/** Limit of the CRD. */
const REASON_LENGTH_MAX = 1024;

/** Rejects when it could not be written. */
export type WriteLastCall = (notifier: string, lastCall: LastCall) => Promise<void>;

export interface LastCallsOptions {
  readonly write: WriteLastCall;
  readonly log: Log;
  readonly clock?: Clock;
}

/**
 * At most one write a second for each notifier, and none while nobody is called. Best effort: what could not be written is
 * not tried again, because the next call replaces it anyway. A veto stays until the notifier is asked again: the cancellation
 * that it brings about is no news.
 */
export class LastCalls implements NotifierCalls {
  readonly #options: LastCallsOptions;
  readonly #queue: KeyedQueue;
  readonly #unwritten = new Map<string, { readonly call: NotifierCall; readonly timeMs: number }>();
  readonly #clock: Clock;
  /** The block of whoever vetoed in its last call. */
  readonly #vetoed = new Map<string, string>();

  constructor(options: LastCallsOptions) {
    const { clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#queue = new KeyedQueue({
      process: (notifier) => this.#write(notifier),
      concurrency: CONCURRENCY,
      onError: (notifier, error) => {
        this.#dropped(notifier, error);
      },
      clock,
    });
  }

  called(call: NotifierCall): void {
    if (this.#isOwnCancellation(call)) return;
    this.#unwritten.set(call.name, { call, timeMs: this.#clock.nowMs() });
    this.#queue.addAfter(call.name, GATHER_MS);
  }

  /** Writes at once what waits to be written, and then nothing more. */
  async close(): Promise<void> {
    await this.#queue.drain();
    await Promise.all([...this.#unwritten.keys()].map((notifier) => this.#write(notifier)));
  }

  /** What the vetoer of an operation is told next: it would hide every veto. That it failed is shown. */
  #isOwnCancellation(call: NotifierCall): boolean {
    const vetoed = this.#vetoed.get(call.name);
    this.#vetoed.delete(call.name);
    if (isVetoable(call.action) && call.errno !== undefined) this.#vetoed.set(call.name, placeOf(call));
    const isCancellation = call.action === 'MEM_CANCEL_ONLINE' || call.action === 'MEM_CANCEL_OFFLINE';
    return isCancellation && call.result !== 'Error' && vetoed === placeOf(call);
  }

  async #write(notifier: string): Promise<undefined> {
    const last = this.#unwritten.get(notifier);
    if (!last) return;
    this.#unwritten.delete(notifier);
    try {
      await this.#options.write(notifier, lastCallOf(last.call, last.timeMs));
    } catch (error) {
      this.#dropped(notifier, error);
    }
  }

  #dropped(notifier: string, error: unknown): void {
    this.#options.log.warn('last call not recorded', { notifier, error });
  }
}

/** A notifier that has been deleted meanwhile has no last call to show. */
export function lastCallWriter(kubeConfig: KubeConfig): WriteLastCall {
  return async (name, lastCall) => {
    try {
      await applyStatus(kubeConfig, {
        kind: MEMORY_NOTIFIERS,
        name,
        status: { lastCall },
        fieldManager: LAST_CALL_FIELD_MANAGER,
        timeoutMs: WRITE_TIMEOUT_MS,
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  };
}

function placeOf({ node, blockId }: NotifierCall): string {
  return `${node}/${String(blockId)}`;
}

function lastCallOf({ action, result, errno, reason, node, blockId }: NotifierCall, timeMs: number): LastCall {
  return {
    time: new Date(timeMs).toISOString(),
    action,
    result,
    ...(errno === undefined ? {} : { errno }),
    ...(reason === undefined ? {} : { reason: reason.slice(0, REASON_LENGTH_MAX) }),
    node,
    blockId,
  };
}
