/** Refuses a step whose run no longer holds the locks that the step needs. */
import type { SettleResult } from '../contract/activities.ts';
import { demandedLocks, type DriverCall } from '../contract/driver.ts';
import { DEVICE_HOTPLUG_LOCK, deviceLock } from '../contract/lock-names.ts';
import type { SettleRequest } from '../contract/memory-driver.ts';
import type { LockName } from '../kernel/lock.ts';
import { epochOf } from '../kernel/token.ts';

/** What a driver remembers of the tokens that came with its steps; outlives reboots, as the counter of a lock does. */
export interface Fence {
  /** The highest token seen, per lock. */
  readonly tokens: Readonly<Record<LockName, SeenToken>>;
  /** Tokens below it are refused, whatever their lock. Unset: 0. */
  readonly tokenFloor?: number;
}

export interface SeenToken {
  readonly token: number;
  readonly runId: string;
}

export interface Staleness {
  /** Whose token is refused. */
  readonly lock: LockName;
  readonly message: string;
}

type Tokens = Readonly<Record<LockName, number>>;

/** Stands where the run of a token stands: no run is called that, so even the run that had the token is refused. */
const NOBODY = 'settled';

/** Why `call` is stale, or undefined when every demanded lock has a token that nobody has overtaken. */
export function staleness(fence: Fence, call: DriverCall): Staleness | undefined {
  for (const lock of demandedLocks(call)) {
    const message = refusalOf(fence, call, lock);
    if (message !== undefined) return { lock, message };
  }
  return undefined;
}

function refusalOf(fence: Fence, call: DriverCall, lock: LockName): string | undefined {
  const token = call.tokens[lock];
  if (token === undefined) return `no token of ${lock}: ${call.operation} ${call.step} must hold it`;
  const floor = fence.tokenFloor ?? 0;
  if (token < floor) return `token ${String(token)} of ${lock} lies below ${String(floor)}: it was settled`;
  const seen = fence.tokens[lock];
  if (!seen || token > seen.token) return undefined;
  if (token < seen.token) {
    return `token ${String(token)} of ${lock} is older than ${String(seen.token)} of run ${seen.runId}: the lock has passed on`;
  }
  if (seen.runId === call.owner.runId) return undefined;
  return `token ${String(token)} of ${lock} belongs to run ${seen.runId}: two runs cannot hold one grant`;
}

/**
 * Remembers the tokens of an accepted call, those beyond the demanded ones too. The latter are never refused: a run may
 * still carry the token of a lock which it has given back.
 */
export function rememberTokens<State extends Fence>(state: State, call: DriverCall): State {
  const newer = Object.entries(call.tokens).filter(([lock, token]) => token > (state.tokens[lock]?.token ?? 0));
  if (newer.length === 0) return state;
  const seen = newer.map(([lock, token]) => [lock, { token, runId: call.owner.runId }] as const);
  return { ...state, tokens: { ...state.tokens, ...Object.fromEntries(seen) } };
}

/**
 * The tokens whose loss proves that a run is over: those of locks kept from `prepare` to `finish`. mem_hotplug_lock is
 * not one of them, because it is dropped before `finish`.
 */
export function keptTokens(call: DriverCall): Tokens {
  const kept = [DEVICE_HOTPLUG_LOCK, ...(call.blockId === undefined ? [] : [deviceLock(call.blockId)])];
  return Object.fromEntries(
    kept.flatMap((lock) => (call.tokens[lock] === undefined ? [] : [[lock, call.tokens[lock]]])),
  );
}

/** Whether `call` proves, by a greater token of the same lock, that the run which kept `kept` lost its locks. */
export function overtakes(call: DriverCall, kept: Tokens): boolean {
  return Object.entries(kept).some(([lock, token]) => (call.tokens[lock] ?? 0) > token);
}

/** Whether a step that carries `tokens` acts for a run that `request` settles. */
export function isSettledBy({ tokens: settledTokens = {}, below = 0 }: SettleRequest, tokens: Tokens): boolean {
  return Object.entries(tokens).some(([lock, token]) => token <= (settledTokens[lock] ?? 0) || token < below);
}

/** Refuses from now on what `request` settles; the same object if all of it is refused already. */
export function raiseFence<State extends Fence>(state: State, { tokens = {}, below = 0 }: SettleRequest): State {
  const raised = Object.entries(tokens).flatMap(([lock, token]): [LockName, SeenToken][] => {
    const seen = state.tokens[lock];
    const isRefused = seen && (seen.token > token || (seen.token === token && seen.runId === NOBODY));
    return isRefused ? [] : [[lock, { token, runId: NOBODY }]];
  });
  const floor = state.tokenFloor ?? 0;
  if (raised.length === 0 && below <= floor) return state;
  return {
    ...state,
    tokens: { ...state.tokens, ...Object.fromEntries(raised) },
    ...(below > floor ? { tokenFloor: below } : {}),
  };
}

/** What a settlement answers of the tokens that `request` names: see SettleResult. */
export function overtakenTokens(
  { tokens: seen }: Fence,
  { tokens = {} }: SettleRequest,
): Pick<SettleResult, 'overtaken'> {
  const later = Object.entries(tokens).flatMap(([lock, token]): [LockName, number][] => {
    const highest = seen[lock]?.token ?? 0;
    return highest > token ? [[lock, highest]] : [];
  });
  return later.length > 0 ? { overtaken: Object.fromEntries(later) } : {};
}

/** 0 when no run has ever come with one. */
export function highestToken({ tokens }: Fence): number {
  return Math.max(0, ...Object.values(tokens).map(({ token }) => token));
}

/** As NodeMemory.status has it; undefined before the first token. A floor counts as well: who grants above it has set it. */
export function fencingEpoch(fence: Fence): number | undefined {
  const epoch = epochOf(Math.max(highestToken(fence), fence.tokenFloor ?? 0));
  return epoch > 0 ? epoch : undefined;
}
