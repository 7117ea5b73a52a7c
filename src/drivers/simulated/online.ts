/** `memory_block_online`, in steps. `state` reads offline until `finish`: there is no going-online. */
import type { DriverCall, DriverStep } from '../../contract/driver.ts';
import { beginTransition, type OnlineType } from '../../kernel/memory-block.ts';
import { zoneForPfnRange, zoneSpans, type Zone } from '../../kernel/zone.ts';
import { keptTokens } from '../fencing.ts';
import { done, failed, onlineZone, withBlock, type SimulatedState, type StepChange } from './state.ts';
import type { StepSurroundings } from './state.ts';
import { blockIdOf, blockName, finishTransition, leftover, notPrepared, ownTransition } from './transition.ts';
import { settled, stays, takeOver } from './transition.ts';

export const onlineSteps = {
  prepare,
  commit,
  abort,
  finish: finishTransition,
} satisfies Record<DriverStep, (state: SimulatedState, call: DriverCall, around: StepSurroundings) => StepChange>;

/** Checks in the kernel's order and chooses the zone; nothing is online yet. */
function prepare(state: SimulatedState, call: DriverCall, { behaviour }: StepSurroundings): StepChange {
  const blockId = blockIdOf(call);
  const found = state.blocks[blockId];
  const taken = found && takeOver(state, call, found);
  if (taken) return taken;
  const block = found && leftover(found, call) ? settled(found) : found;
  const next = block ? withBlock(state, blockId, block) : state;
  const verdict = beginTransition('online', block?.state ?? 'absent');
  if (verdict.kind === 'already') return failed(next, 'EINVAL', `${blockName(call)} is online already`);
  if (verdict.kind === 'refused' || !block) {
    return failed(next, verdict.kind === 'refused' ? verdict.errno : 'ENODEV', describeState(call, block?.state));
  }
  if (block.transition) return failed(next, 'EBUSY', `${blockName(call)} is in an operation of another run`);
  if (behaviour.poisoned.has(blockId)) return failed(next, 'EHWPOISON', `${blockName(call)} has a poisoned page`);
  const zone = chooseZone(next, blockId, block.numaNode, call.onlineType ?? 'online', behaviour.movableNode);
  const transition = { operation: 'online', runId: call.owner.runId, keptTokens: keptTokens(call), zone } as const;
  return done(withBlock(next, blockId, { ...block, transition: { ...transition, phase: 'prepared' } }), zone);
}

/** Pages go to the zone that `prepare` chose. */
function commit(state: SimulatedState, call: DriverCall): StepChange {
  const blockId = blockIdOf(call);
  const block = state.blocks[blockId];
  const transition = ownTransition(block, call);
  if (!block || !transition || transition.phase === 'aborted') return notPrepared(state, call);
  if (transition.phase === 'committed') return done(state, transition.zone);
  const next = withBlock(state, blockId, { ...block, transition: { ...transition, phase: 'committed' } });
  return done(next, transition.zone, [{ change: 'pages-online', blockId }]);
}

/** Nothing is online yet, unless the commit was done: pages in use cannot be taken out of their zone without an offline. */
function abort(state: SimulatedState, call: DriverCall): StepChange {
  const blockId = blockIdOf(call);
  const block = state.blocks[blockId];
  const transition = ownTransition(block, call);
  if (!block || !transition) return done(state);
  if (transition.phase === 'committed') return stays(state, transition.zone);
  return done(withBlock(state, blockId, { ...block, transition: { ...transition, phase: 'aborted' } }));
}

/** Zone of a block that goes online, among the online blocks of its NUMA node. */
export function chooseZone(
  state: SimulatedState,
  blockId: number,
  numaNode: number,
  onlineType: OnlineType,
  movableNode: boolean,
): Zone {
  const neighbours = Object.entries(state.blocks).flatMap(([id, block]) => {
    const zone = block.numaNode === numaNode ? onlineZone(block) : undefined;
    return zone === undefined ? [] : [{ blockId: Number(id), zone }];
  });
  const range = { first: blockId, last: blockId };
  return zoneForPfnRange(onlineType, range, zoneSpans(neighbours), { movableNode });
}

function describeState(call: DriverCall, state: string | undefined): string {
  return state === undefined ? `${blockName(call)} does not exist` : `${blockName(call)} is ${state}`;
}
