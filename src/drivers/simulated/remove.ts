/** `try_remove_memory`, in steps: the devices go first, the mapping (here: the claim on the range) last. */
import { blockIdsOf, type DriverCall, type DriverStep } from '../../contract/driver.ts';
import { dropOvertakenClaims, isAligned, ownClaim, withClaim } from '../claims.ts';
import { keptTokens } from '../fencing.ts';
import { dropClaim } from './drop-claim.ts';
import { done, failed, onlineZone, withBlock, type SimulatedState, type StepChange } from './state.ts';
import { blockIdOf, blockName, leftover, settled } from './transition.ts';

export const removeSteps = {
  prepare,
  commit,
  abort: dropClaim,
  finish: dropClaim,
} satisfies Record<DriverStep, (state: SimulatedState, call: DriverCall) => StepChange>;

/** Every block must be offline. That stays true only because device_hotplug_lock keeps online out. */
function prepare(previous: SimulatedState, call: DriverCall): StepChange {
  if (!isAligned(call.range, previous.blockSizeBytes)) {
    return failed(
      previous,
      'EINVAL',
      `the range is not made of whole blocks of ${String(previous.blockSizeBytes)} bytes`,
    );
  }
  const ids = blockIdsOf(call.range, previous.blockSizeBytes);
  const state = settleBlocks(dropOvertakenClaims(previous, call), ids, call);
  const busy = ids.find((id) => state.blocks[id] && !isIdle(state, id));
  if (busy !== undefined) return failed(state, 'EBUSY', `memory${String(busy)} is not offline`);
  // The kernel skips absent blocks in this check and then warns; a range that is not there is told so instead.
  const absent = ids.find((id) => !state.blocks[id]);
  if (absent !== undefined) return failed(state, 'EINVAL', `memory${String(absent)} does not exist`);
  const { owner, range } = call;
  const claim = { operation: 'remove', runId: owner.runId, range, numaNode: 0, created: [] } as const;
  return done(withClaim(state, { ...claim, keptTokens: keptTokens(call) }));
}

/** One device goes. */
function commit(state: SimulatedState, call: DriverCall): StepChange {
  const blockId = blockIdOf(call);
  const claim = ownClaim(state, call);
  if (!claim || !blockIdsOf(claim.range, state.blockSizeBytes).includes(blockId)) {
    return failed(state, 'EINVAL', `${blockName(call)} is not in a range that this run has prepared`);
  }
  if (!state.blocks[blockId]) return done(state);
  if (!isIdle(state, blockId)) return failed(state, 'EBUSY', `${blockName(call)} is not offline`);
  return done(withBlock(state, blockId, undefined), undefined, [{ change: 'removed', blockId }]);
}

function isIdle(state: SimulatedState, blockId: number): boolean {
  const block = state.blocks[blockId];
  return block?.state === 'offline' && !block.transition && onlineZone(block) === undefined;
}

function settleBlocks(state: SimulatedState, ids: readonly number[], call: DriverCall): SimulatedState {
  return ids.reduce((next, id) => {
    const block = next.blocks[id];
    return block && leftover(block, call) ? withBlock(next, id, settled(block)) : next;
  }, state);
}
