/**
 * `auto_online_blocks` of a real node: written where NodeMemory.spec.autoOnline says so, never touched otherwise, and told
 * in the condition NotifiersBypassed. What the kernel brings online by itself goes past every notifier, and past the locks.
 */
import type { AutoOnlineBlocks } from '../contract/memory-driver.ts';
import type { RequestedState } from '../kernel/memory-block.ts';
import { NOTIFIERS_BYPASSED, type Verdict } from './node-view.ts';

/** How soon a change by hand is noticed: a read of a few bytes that the kernel answers without a lock. */
const LOOK_MS = 2_000;
/** Whoever else writes the same file may do so as often as we do: this is how often it is written at most. */
const REWRITE_MS = 5_000;
/** Changes that come sooner than this after our own are told as one. */
const CONTEST_MS = 60_000;
/** A person changes it once. Whoever does so after as many of our writes keeps doing so. */
const WRITES_BEFORE_CONTEST = 2;
/** The part of a logger that is needed. */
interface Log {
  info(message: string, fields: object): unknown;
  warn(message: string, fields: object): unknown;
}

const HANDS_OFF = 'set spec.autoOnline: offline, or boot with memhp_default_state=offline';

/** Somebody else and this agent write the file by turns. */
interface Contest {
  readonly rival: string;
  readonly wanted: RequestedState;
  /** When it is over, if nothing is changed until then. */
  readonly untilMs: number;
}

export class AutoOnline {
  readonly #file: AutoOnlineBlocks;
  readonly #logger: Log;
  readonly #now: () => number;
  #wanted: RequestedState | undefined;
  #found: RequestedState | undefined;
  /** Why the last write failed; told once in the log for as long as it is the same. */
  #failure: string | undefined;
  /** Our last write of what is wanted; `times`: with those shortly before it. */
  #written = { atMs: Number.NEGATIVE_INFINITY, times: 0 };
  #contest: Contest | undefined;

  /** `now`: milliseconds of a clock that does not jump. */
  constructor(file: AutoOnlineBlocks, logger: Log, now: () => number = () => performance.now()) {
    this.#file = file;
    this.#logger = logger;
    this.#now = now;
  }

  /** `spec.autoOnline`; undefined: the node's setting is left alone. */
  want(value: RequestedState | undefined): void {
    if (value === this.#wanted) return;
    this.#wanted = value;
    this.#written = { atMs: Number.NEGATIVE_INFINITY, times: 0 };
    this.#contest = undefined;
  }

  /** Calls `onChange` when `enforce` has something to do or to tell. Returns the function that ends this. */
  watch(onChange: () => void, lookMs = LOOK_MS): () => void {
    const look = async (): Promise<void> => {
      const known = this.#found;
      if ((await this.#read()) !== known || this.#isDue()) onChange();
    };
    const timer = setInterval(() => void look(), lookMs).unref();
    return () => {
      clearInterval(timer);
    };
  }

  /**
   * Makes the node's setting what is wanted, also after somebody has changed it by hand; writes every five seconds at most.
   * Never throws.
   */
  async enforce(): Promise<Verdict> {
    const found = await this.#read();
    const wanted = this.#wanted;
    if (wanted === undefined || wanted === found) {
      this.#failure = undefined;
      return this.#verdict();
    }
    const sinceMs = this.#now() - this.#written.atMs;
    const times = sinceMs < CONTEST_MS ? this.#written.times : 0;
    if (times >= WRITES_BEFORE_CONTEST) this.#contested(found, wanted);
    if (sinceMs < REWRITE_MS) return this.#verdict();
    const failure = await this.#write(wanted);
    this.#tell(failure, found, wanted);
    if (failure !== undefined) {
      const verdict = this.#verdict();
      return { ...verdict, message: `${verdict.message} It could not be set to ${wanted}: ${failure}.` };
    }
    this.#written = { atMs: this.#now(), times: times + 1 };
    await this.#read();
    return this.#verdict();
  }

  /** It is time to write once more, or to stop telling of a contest. */
  #isDue(): boolean {
    const nowMs = this.#now();
    if (this.#contest && nowMs >= this.#contest.untilMs) return true;
    const isChanged = this.#wanted !== undefined && this.#wanted !== this.#found;
    return isChanged && this.#failure === undefined && nowMs - this.#written.atMs >= REWRITE_MS;
  }

  #contested(found: RequestedState | undefined, wanted: RequestedState): void {
    const rival = found ?? 'another word';
    if (!this.#contest) {
      this.#logger.warn('somebody else keeps changing auto_online_blocks; it is set again every few seconds', {
        from: rival,
        to: wanted,
      });
    }
    this.#contest = { rival, wanted, untilMs: this.#now() + CONTEST_MS };
  }

  /** What is written in a contest has been told. */
  #tell(failure: string | undefined, found: RequestedState | undefined, wanted: RequestedState): void {
    if (failure !== undefined && failure !== this.#failure) {
      this.#logger.warn('auto_online_blocks not set', { to: wanted, error: failure });
    } else if (failure === undefined && !this.#contest) {
      this.#logger.info('auto_online_blocks set', { from: found ?? 'unknown', to: wanted });
    }
    this.#failure = failure;
  }

  /** In a contest it would be another one every few seconds. */
  #verdict(): Verdict {
    if (this.#contest && this.#now() >= this.#contest.untilMs) this.#contest = undefined;
    return this.#contest ? contestVerdict(this.#contest) : verdictOf(this.#found, this.#wanted);
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

function contestVerdict({ rival, wanted }: Contest): Verdict {
  const what = `Somebody else keeps setting auto_online_blocks to ${rival}; it is set to ${wanted} again every few seconds.`;
  const meanwhile =
    'While it is not offline, the kernel brings added memory online by itself, and no notifier is asked.';
  const advice = 'Look for a udev rule or a service on the node that writes it.';
  return {
    type: NOTIFIERS_BYPASSED,
    status: 'True',
    reason: 'KernelOnlines',
    message: `${what} ${meanwhile} ${advice}`,
  };
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
