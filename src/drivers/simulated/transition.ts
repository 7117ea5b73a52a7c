/** The part that online and offline share: a block between `prepare` and `finish`. */
import type { DriverCall } from '../../contract/driver.ts';
import type { Zone } from '../../kernel/zone.ts';
import { keptTokens, overtakes } from '../fencing.ts';
import {
  done,
  failed,
  onlineZone,
  withBlock,
  type BlockTransition,
  type SimulatedBlock,
  type SimulatedState,
  type StepChange,
} from './state.ts';

/** The transition of `block` that `call`'s own run began. */
export function ownTransition(block: SimulatedBlock | undefined, call: DriverCall): BlockTransition | undefined {
  const transition = block?.transition;
  return transition?.runId === call.owner.runId && transition.operation === call.operation ? transition : undefined;
}

/** What a run that has provably lost its locks left unfinished. */
export function leftover(block: SimulatedBlock, call: DriverCall): BlockTransition | undefined {
  const { transition } = block;
  const isForeign = transition !== undefined && transition.runId !== call.owner.runId;
  return isForeign && overtakes(call, transition.keptTokens) ? transition : undefined;
}

/** The block after its transition: in the new state if that was committed, else as it was before. */
export function settled(block: SimulatedBlock): SimulatedBlock {
  const zone = onlineZone(block);
  const { numaNode } = block;
  return zone === undefined ? { state: 'offline', numaNode } : { state: 'online', zone, numaNode };
}

/**
 * A committed leftover of the same operation is taken over: its commit then has nothing to do, and the notifications
 * that the lost run owed are sent by this one.
 */
export function takeOver(state: SimulatedState, call: DriverCall, block: SimulatedBlock): StepChange | undefined {
  const transition = leftover(block, call);
  if (transition?.phase !== 'committed' || transition.operation !== call.operation) return undefined;
  const adopted = { ...transition, runId: call.owner.runId, keptTokens: keptTokens(call) };
  return done(withBlock(state, blockIdOf(call), { ...block, transition: adopted }), transition.zone);
}

/** Makes what was committed, or not, the block's visible state. Without a transition of this run there is nothing to do. */
export function finishTransition(state: SimulatedState, call: DriverCall): StepChange {
  const block = state.blocks[blockIdOf(call)];
  if (!block || !ownTransition(block, call)) return done(state, block?.zone);
  const after = settled(block);
  return done(withBlock(state, blockIdOf(call), after), after.zone);
}

/** Of `abort`: past the point of no return nothing is undone; `finish` completes it. */
export function stays(state: SimulatedState, zone?: Zone): StepChange {
  return { state, result: { ok: true, committed: true, ...(zone === undefined ? {} : { zone }) }, effects: [] };
}

export function notPrepared(state: SimulatedState, call: DriverCall): StepChange {
  return failed(state, 'EINVAL', `${blockName(call)} was not prepared for ${call.operation} by this run`);
}

/** The block of a step about one block. */
export function blockIdOf(call: DriverCall): number {
  return call.blockId ?? -1;
}

export function blockName(call: DriverCall): string {
  return `memory${String(blockIdOf(call))}`;
}
