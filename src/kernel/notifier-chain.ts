/**
 * The memory notifier chain as a pure walk: who is asked next, what an answer means, what the chain as a whole says.
 *
 * Mirrors kernel/notifier.c (`notifier_chain_register`, `notifier_call_chain`), include/linux/notifier.h and
 * `memory_notify()` of drivers/base/memory.c, v6.12. Plugins may also fail to answer, which a kernel callback cannot;
 * their failure policy then decides.
 */
import { ERRNO, type Errno, errnoName } from './errno.ts';
import { isVetoable, type MemoryAction } from './memory-action.ts';

export const NOTIFY_DONE = 0x0000;
export const NOTIFY_OK = 0x0001;
/** Set in a value: call nobody else. */
export const NOTIFY_STOP_MASK = 0x8000;
/** Stop, and fail with EPERM. */
export const NOTIFY_BAD = NOTIFY_STOP_MASK | 0x0002;
/** Stop, without failing. */
export const NOTIFY_STOP = NOTIFY_STOP_MASK | NOTIFY_OK;

/** `notifier_from_errno`: `errno` is 0 or negative, as in the kernel; -1 is NOTIFY_BAD. */
export function notifierFromErrno(errno: number): number {
  return errno === 0 ? NOTIFY_OK : NOTIFY_STOP_MASK | (NOTIFY_OK - errno);
}

/** `notifier_to_errno`: 0 or a negative errno. NOTIFY_STOP is 0: it ends the walk, not the operation. */
export function notifierToErrno(value: number): number {
  const code = value & ~NOTIFY_STOP_MASK;
  return code > NOTIFY_OK ? NOTIFY_OK - code : 0;
}

/** What decides a notifier's place in the chain. */
export interface ChainPlace {
  readonly name: string;
  readonly priority: number;
  /** RFC 3339 in UTC with whole seconds, as the API server writes it: text order is time order. */
  readonly registeredAt: string;
}

/** One registered notifier, as far as the chain needs to know it. */
export interface ChainEntry extends ChainPlace {
  /** Empty: all. */
  readonly actions: readonly MemoryAction[];
  /** Whether a notifier that gives no answer to a GOING action vetoes it. */
  readonly failurePolicy: 'Fail' | 'Ignore';
}

export interface ChainAnswer {
  readonly result: 'NOTIFY_DONE' | 'NOTIFY_OK' | 'NOTIFY_STOP' | 'NOTIFY_BAD';
  /** Of NOTIFY_BAD, which then is `notifier_from_errno(-errno)`; EPERM when unset. */
  readonly errno?: Errno;
  /** One sentence for the person who waits for the block. */
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
  /** Of a veto: whether it may pass with time (the default) or will not. */
  readonly outlook?: 'Deferred' | 'Infeasible';
}

/** An answer, or why there is none. */
export type ChainReply =
  | { readonly kind: 'answer'; readonly answer: ChainAnswer }
  | {
      readonly kind: 'error';
      readonly message: string;
      /** There was no answer in time; a veto that comes of it is ETIMEDOUT instead of EIO. */
      readonly timedOut?: boolean;
    };

/** One call of the walk, for status, events and history. */
export interface ChainCall {
  readonly name: string;
  readonly action: MemoryAction;
  /** `Error`: the notifier gave no answer. */
  readonly result: ChainAnswer['result'] | 'Error';
  /** What was answered; of `Error`, set only where the missing answer was a veto. */
  readonly errno?: Errno;
  readonly reason?: string;
}

export type ChainVerdict =
  | { readonly kind: 'passed' }
  | {
      readonly kind: 'vetoed';
      readonly by: string;
      readonly errno: Errno;
      readonly reason: string;
      readonly retryAfterSeconds?: number;
      readonly outlook?: 'Deferred' | 'Infeasible';
    };

/** A walk of the chain with one action; a value, advanced by `answerChain`. */
export interface ChainWalk<Entry extends ChainEntry = ChainEntry> {
  readonly action: MemoryAction;
  /** Still to be asked, in order. Emptied by a stop bit. */
  readonly remaining: readonly Entry[];
  /** Every call so far, in order. */
  readonly calls: readonly ChainCall[];
  readonly verdict: ChainVerdict;
}

/** Call order: higher priority first, among equals the older registration, then the name. */
export function orderChain<Entry extends ChainPlace>(entries: readonly Entry[]): readonly Entry[] {
  return entries.toSorted(
    (a, b) => b.priority - a.priority || compareText(a.registeredAt, b.registeredAt) || compareText(a.name, b.name),
  );
}

/**
 * Starts a walk with `action` over `entries` in call order. Only those that registered for the action are asked. A
 * CANCEL action is one more walk over all entries from the head: the vetoer and those never asked hear it as well.
 */
export function beginChain<Entry extends ChainEntry>(
  action: MemoryAction,
  entries: readonly Entry[],
): ChainWalk<Entry> {
  const remaining = orderChain(entries).filter(({ actions }) => actions.length === 0 || actions.includes(action));
  return { action, remaining, calls: [], verdict: { kind: 'passed' } };
}

/** The walk after the first of `remaining` replied. Throws a RangeError when the walk was already over. */
export function answerChain<Entry extends ChainEntry>(walk: ChainWalk<Entry>, reply: ChainReply): ChainWalk<Entry> {
  const [asked, ...rest] = walk.remaining;
  if (!asked) throw new RangeError(`the ${walk.action} walk is over; there is nobody left to answer`);
  const call = { name: asked.name, action: walk.action };
  return reply.kind === 'answer'
    ? takeAnswer(walk, call, rest, reply.answer)
    : takeError(walk, call, rest, asked.failurePolicy, reply);
}

/** What the chain says to the operation. Only a GOING action can be vetoed. */
export function chainVerdict(walk: ChainWalk): ChainVerdict {
  return walk.verdict;
}

/** The kernel's number for an answer. */
export function notifierValue(answer: ChainAnswer): number {
  switch (answer.result) {
    case 'NOTIFY_DONE':
      return NOTIFY_DONE;
    case 'NOTIFY_OK':
      return NOTIFY_OK;
    case 'NOTIFY_STOP':
      return NOTIFY_STOP;
    case 'NOTIFY_BAD':
      return notifierFromErrno(-ERRNO[answer.errno ?? 'EPERM']);
  }
}

export type ChainRegistration<Entry> =
  { readonly ok: true; readonly chain: readonly Entry[] } | { readonly ok: false; readonly errno: 'EEXIST' | 'ENOENT' };

/** `notifier_chain_register`: goes behind its equals. A name that is already in the chain answers EEXIST. */
export function registerNotifier<Entry extends Pick<ChainPlace, 'name' | 'priority'>>(
  chain: readonly Entry[],
  entry: Entry,
): ChainRegistration<Entry> {
  if (chain.some(({ name }) => name === entry.name)) return { ok: false, errno: 'EEXIST' };
  const behind = chain.findIndex(({ priority }) => priority < entry.priority);
  return { ok: true, chain: chain.toSpliced(behind === -1 ? chain.length : behind, 0, entry) };
}

/** `notifier_chain_unregister`: an unknown name answers ENOENT. */
export function unregisterNotifier<Entry extends Pick<ChainPlace, 'name'>>(
  chain: readonly Entry[],
  name: string,
): ChainRegistration<Entry> {
  const at = chain.findIndex((entry) => entry.name === name);
  return at === -1 ? { ok: false, errno: 'ENOENT' } : { ok: true, chain: chain.toSpliced(at, 1) };
}

type CallPlace = Pick<ChainCall, 'name' | 'action'>;

function takeAnswer<Entry extends ChainEntry>(
  walk: ChainWalk<Entry>,
  place: CallPlace,
  rest: readonly Entry[],
  answer: ChainAnswer,
): ChainWalk<Entry> {
  const value = notifierValue(answer);
  const errno = errnoName(-notifierToErrno(value));
  const call: ChainCall = {
    ...place,
    result: answer.result,
    ...(errno && { errno }),
    ...(answer.reason !== undefined && { reason: answer.reason }),
  };
  const calls = [...walk.calls, call];
  const remaining = value & NOTIFY_STOP_MASK ? [] : rest;
  if (!errno || !isVetoable(walk.action)) return { ...walk, remaining, calls };
  const verdict: ChainVerdict = {
    kind: 'vetoed',
    by: place.name,
    errno,
    reason: answer.reason ?? 'gave no reason',
    ...(answer.retryAfterSeconds !== undefined && { retryAfterSeconds: answer.retryAfterSeconds }),
    ...(answer.outlook && { outlook: answer.outlook }),
  };
  return { ...walk, remaining, calls, verdict };
}

function takeError<Entry extends ChainEntry>(
  walk: ChainWalk<Entry>,
  place: CallPlace,
  rest: readonly Entry[],
  failurePolicy: ChainEntry['failurePolicy'],
  error: ChainReply & { kind: 'error' },
): ChainWalk<Entry> {
  const isVeto = failurePolicy === 'Fail' && isVetoable(walk.action);
  if (!isVeto) {
    const skipped: ChainCall = { ...place, result: 'Error', reason: error.message };
    return { ...walk, remaining: rest, calls: [...walk.calls, skipped] };
  }
  const errno: Errno = error.timedOut ? 'ETIMEDOUT' : 'EIO';
  const reason = `gave no answer, which its failurePolicy Fail makes a veto: ${error.message}`;
  const call: ChainCall = { ...place, result: 'Error', errno, reason };
  return {
    ...walk,
    remaining: [],
    calls: [...walk.calls, call],
    verdict: { kind: 'vetoed', by: place.name, errno, reason },
  };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
