/**
 * `auto_online_blocks` of a real node: written where NodeMemory.spec.autoOnline says so, never touched otherwise, and told
 * in the condition NotifiersBypassed. What the kernel brings online by itself goes past every notifier, and past the locks.
 */
import type { AutoOnlineBlocks } from '../contract/memory-driver.ts';
import type { RequestedState } from '../kernel/memory-block.ts';
import { NOTIFIERS_BYPASSED, type Verdict } from './node-view.ts';

/** How soon a change by hand is noticed: a read of a few bytes that the kernel answers without a lock. */
const LOOK_MS = 2_000;
/** The part of a logger that is needed. */
interface Log {
  info(message: string, fields: object): unknown;
  warn(message: string, fields: object): unknown;
}

const HANDS_OFF = 'set spec.autoOnline: offline, or boot with memhp_default_state=offline';

export class AutoOnline {
  readonly #file: AutoOnlineBlocks;
  readonly #logger: Log;
  #wanted: RequestedState | undefined;
  #found: RequestedState | undefined;
  /** Why the last write failed; told once in the log for as long as it is the same. */
  #failure: string | undefined;

  constructor(file: AutoOnlineBlocks, logger: Log) {
    this.#file = file;
    this.#logger = logger;
  }

  /** `spec.autoOnline`; undefined: the node's setting is left alone. */
  want(value: RequestedState | undefined): void {
    this.#wanted = value;
  }

  /** Calls `onChange` when somebody else has changed the setting. Returns the function that ends this. */
  watch(onChange: () => void, lookMs = LOOK_MS): () => void {
    const look = async (): Promise<void> => {
      const known = this.#found;
      if ((await this.#read()) !== known) onChange();
    };
    const timer = setInterval(() => void look(), lookMs).unref();
    return () => {
      clearInterval(timer);
    };
  }

  /** Makes the node's setting what is wanted, also after somebody has changed it by hand. Never throws. */
  async enforce(): Promise<Verdict> {
    const found = await this.#read();
    const wanted = this.#wanted;
    if (wanted === undefined || wanted === found) {
      this.#failure = undefined;
      return verdictOf(found, wanted);
    }
    const failure = await this.#write(wanted);
    if (failure === undefined) this.#logger.info('auto_online_blocks set', { from: found ?? 'unknown', to: wanted });
    else if (failure !== this.#failure) this.#logger.warn('auto_online_blocks not set', { to: wanted, error: failure });
    this.#failure = failure;
    const verdict = verdictOf(failure === undefined ? await this.#read() : found, wanted);
    if (failure === undefined) return verdict;
    return { ...verdict, message: `${verdict.message} It could not be set to ${wanted}: ${failure}.` };
  }

  /** Undefined where there is no such file, or nothing known in it. */
  async #read(): Promise<RequestedState | undefined> {
    this.#found = await this.#file.read().catch(() => undefined);
    return this.#found;
  }

  async #write(value: RequestedState): Promise<string | undefined> {
    return this.#file.write(value).then(
      () => undefined,
      (error: unknown) => (error as Error).message,
    );
  }
}

function verdictOf(found: RequestedState | undefined, wanted: RequestedState | undefined): Verdict {
  const type = NOTIFIERS_BYPASSED;
  if (found === undefined) {
    const message = 'auto_online_blocks cannot be read on this node, or holds a word that this version does not know.';
    return { type, status: 'Unknown', reason: 'AutoOnlineUnknown', message };
  }
  if (found === 'offline') {
    const message =
      'auto_online_blocks is offline: memory that is added stays offline until an operation asks the notifiers.';
    return { type, status: 'False', reason: 'KernelLeavesOffline', message };
  }
  const advice = wanted === found ? 'spec.autoOnline asks for it' : HANDS_OFF;
  const message = `auto_online_blocks is ${found}: the kernel brings added memory online by itself, and no notifier is asked (${advice}).`;
  return { type, status: 'True', reason: 'KernelOnlines', message };
}
