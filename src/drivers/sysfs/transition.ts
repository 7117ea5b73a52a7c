/** The part that online and offline share: a block between `prepare` and `finish`. */
import type { DriverCall } from '../../contract/driver.ts';
import { keptTokens } from '../fencing.ts';
import { blockIdOf, blockName, done, failed, succeeded, type StepDone, type StepSurroundings } from './step-verdict.ts';
import { withoutTransition, type BlockTransition, type SysfsState } from './sysfs-state.ts';

/** In place of what a run may have left that has lost its locks: the block itself says how far that came. */
export function prepared(state: SysfsState, call: DriverCall, operation: BlockTransition['operation']): SysfsState {
  const transition = {
    operation,
    runId: call.owner.runId,
    blockId: blockIdOf(call),
    keptTokens: keptTokens(call),
  } as const;
  return { ...state, transition };
}

/** The transition that `call`'s own run began, unless it was aborted. */
export function ownTransition({ transition }: SysfsState, call: DriverCall): BlockTransition | undefined {
  const isOwn =
    transition?.runId === call.owner.runId &&
    transition.operation === call.operation &&
    transition.blockId === call.blockId;
  return isOwn && !transition.isAborted ? transition : undefined;
}

export function notPrepared(state: SysfsState, call: DriverCall): StepDone {
  return failed(state, 'EINVAL', `${blockName(call)} was not prepared for ${call.operation} by this run`);
}

/** Nothing is left to do: the write has done it, or not. */
export function finish(state: SysfsState, call: DriverCall, { memory }: StepSurroundings): StepDone {
  const isOwn = state.transition?.runId === call.owner.runId;
  return done(isOwn ? withoutTransition(state) : state, memory.block(blockIdOf(call))?.zone);
}

/**
 * Undoes `prepare`. What the hardware has done stays, and is told: see docs/adr/0022-sysfs-chain-before-the-write.md. The
 * block itself is asked, so that a lost state file changes nothing about that.
 */
export function abort(state: SysfsState, call: DriverCall, { memory }: StepSurroundings): StepDone {
  const transition = ownTransition(state, call);
  const aborted: SysfsState = transition ? { ...state, transition: { ...transition, isAborted: true } } : state;
  const block = memory.block(blockIdOf(call));
  const result = succeeded(block?.zone);
  return { state: aborted, result: block?.state === call.operation ? { ...result, committed: true } : result };
}
