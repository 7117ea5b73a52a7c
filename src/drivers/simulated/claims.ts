/** Physical ranges that an add or remove works on: nothing else may be added there meanwhile. */
import type { DriverCall, MemoryRange } from '../../contract/driver.ts';
import { overtakes } from './fencing.ts';
import { done, type RangeClaim, type SimulatedState, type StepChange } from './state.ts';

export function ownClaim(state: SimulatedState, call: DriverCall): RangeClaim | undefined {
  return state.claims.find((claim) => claim.runId === call.owner.runId && claim.operation === call.operation);
}

/** Adds `claim`, in place of the one its run had. */
export function withClaim(state: SimulatedState, claim: RangeClaim): SimulatedState {
  return { ...state, claims: [...state.claims.filter(({ runId }) => runId !== claim.runId), claim] };
}

export function dropClaim(state: SimulatedState, call: DriverCall): StepChange {
  return done({ ...state, claims: state.claims.filter(({ runId }) => runId !== call.owner.runId) });
}

/** Claims of runs that have provably lost device_hotplug_lock guard nothing any more. */
export function dropOvertakenClaims(state: SimulatedState, call: DriverCall): SimulatedState {
  return { ...state, claims: state.claims.filter((claim) => !overtakes(call, claim.keptTokens)) };
}

export function overlaps(one: MemoryRange, other: MemoryRange): boolean {
  return one.start < other.start + other.size && other.start < one.start + one.size;
}

export function isAligned({ start, size }: MemoryRange, blockSizeBytes: number): boolean {
  return size > 0 && start >= 0 && start % blockSizeBytes === 0 && size % blockSizeBytes === 0;
}
