/** Physical ranges that an add or remove works on: nothing else may be added there meanwhile. */
import { BLOCKS_MAX } from '../contract/block-ranges.ts';
import type { DriverCall, MemoryRange } from '../contract/driver.ts';
import type { LockName } from '../kernel/lock.ts';
import { overtakes } from './fencing.ts';

export interface RangeClaim {
  readonly operation: 'add' | 'remove';
  readonly runId: string;
  readonly range: MemoryRange;
  readonly numaNode: number;
  /** Blocks that this run created: what an abort takes away again. */
  readonly created: readonly number[];
  readonly keptTokens: Readonly<Record<LockName, number>>;
}

export interface Claims {
  readonly claims: readonly RangeClaim[];
}

export function ownClaim({ claims }: Claims, call: DriverCall): RangeClaim | undefined {
  return claims.find((claim) => claim.runId === call.owner.runId && claim.operation === call.operation);
}

/** Adds `claim`, in place of the one its run had. */
export function withClaim<State extends Claims>(state: State, claim: RangeClaim): State {
  return { ...state, claims: [...state.claims.filter(({ runId }) => runId !== claim.runId), claim] };
}

export function withoutClaim<State extends Claims>(state: State, call: DriverCall): State {
  return { ...state, claims: state.claims.filter(({ runId }) => runId !== call.owner.runId) };
}

/** Claims of runs that have provably lost device_hotplug_lock guard nothing any more. */
export function dropOvertakenClaims<State extends Claims>(state: State, call: DriverCall): State {
  return { ...state, claims: state.claims.filter((claim) => !overtakes(call, claim.keptTokens)) };
}

export function overlaps(one: MemoryRange, other: MemoryRange): boolean {
  return one.start < other.start + other.size && other.start < one.start + one.size;
}

/** Whether the range is made of whole blocks, no more than a range may name. */
export function isAligned({ start, size }: MemoryRange, blockSizeBytes: number): boolean {
  const isPossible = start >= 0 && size > 0 && size <= BLOCKS_MAX * blockSizeBytes;
  return isPossible && start % blockSizeBytes === 0 && size % blockSizeBytes === 0;
}
