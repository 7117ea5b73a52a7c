/** The part that online and offline share: a block between `prepare` and `finish`. */
import type { DriverCall } from '../../contract/driver.ts';
import { keptTokens } from '../fencing.ts';
import { blockIdOf, blockName, done, failed, type StepDone, type StepSurroundings } from './step-verdict.ts';
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

/** Undoes `prepare`. What the hardware has done stays: see docs/adr/0022-sysfs-chain-before-the-write.md. */
export function abort(state: SysfsState, call: DriverCall, { memory }: StepSurroundings): StepDone {
  const transition = ownTransition(state, call);
  if (!transition) return done(state);
  const aborted: SysfsState = { ...state, transition: { ...transition, isAborted: true } };
  const block = memory.block(transition.blockId);
  const isCommitted = block?.state === (transition.operation === 'online' ? 'online' : 'offline');
  if (!isCommitted) return done(aborted, block?.zone);
  return failed(
    aborted,
    'EINVAL',
    `${blockName(call)} is ${block.state} already: sysfs cannot undo that without notifiers`,
  );
}
