/** Refuses a step whose run no longer holds the locks that the step needs. */
import { demandedLocks, type DriverCall } from '../../contract/driver.ts';
import { DEVICE_HOTPLUG_LOCK, deviceLock } from '../../contract/lock-names.ts';
import type { LockName } from '../../kernel/lock.ts';
import type { SimulatedState } from './state.ts';

/** Why `call` is stale, or undefined when every demanded lock has a token that nobody has overtaken. */
export function staleness(state: SimulatedState, call: DriverCall): string | undefined {
  for (const lock of demandedLocks(call)) {
    const token = call.tokens[lock];
    const what = `${call.operation} ${call.step}`;
    if (token === undefined) return `no token of ${lock}: ${what} must hold it`;
    const floor = state.tokenFloor ?? 0;
    if (token < floor) return `token ${String(token)} of ${lock} lies below ${String(floor)}: it was settled`;
    const seen = state.tokens[lock];
    if (!seen || token > seen.token) continue;
    if (token < seen.token) {
      return `token ${String(token)} of ${lock} is older than ${String(seen.token)} of run ${seen.runId}: the lock has passed on`;
    }
    if (seen.runId !== call.owner.runId) {
      return `token ${String(token)} of ${lock} belongs to run ${seen.runId}: two runs cannot hold one grant`;
    }
  }
  return undefined;
}

/**
 * Remembers the tokens of an accepted call, those beyond the demanded ones too. The latter are never refused: a run may
 * still carry the token of a lock which it has given back.
 */
export function rememberTokens(state: SimulatedState, call: DriverCall): SimulatedState {
  const newer = Object.entries(call.tokens).filter(([lock, token]) => token > (state.tokens[lock]?.token ?? 0));
  if (newer.length === 0) return state;
  const seen = newer.map(([lock, token]) => [lock, { token, runId: call.owner.runId }] as const);
  return { ...state, tokens: { ...state.tokens, ...Object.fromEntries(seen) } };
}

/**
 * The tokens whose loss proves that a run is over: those of locks kept from `prepare` to `finish`. mem_hotplug_lock is
 * not one of them, because it is dropped before `finish`.
 */
export function keptTokens(call: DriverCall): Readonly<Record<LockName, number>> {
  const kept = [DEVICE_HOTPLUG_LOCK, ...(call.blockId === undefined ? [] : [deviceLock(call.blockId)])];
  return Object.fromEntries(
    kept.flatMap((lock) => (call.tokens[lock] === undefined ? [] : [[lock, call.tokens[lock]]])),
  );
}

/** Whether `call` proves, by a greater token of the same lock, that the run which kept `kept` lost its locks. */
export function overtakes(call: DriverCall, kept: Readonly<Record<LockName, number>>): boolean {
  return Object.entries(kept).some(([lock, token]) => (call.tokens[lock] ?? 0) > token);
}
