/** `add_memory_resource`, in steps. Auto-online is the workflow's business. */
import { blockIdsOf, type DriverCall, type DriverStep } from '../../contract/driver.ts';
import type { Errno } from '../../kernel/errno.ts';
import { formatAddress } from '../../contract/quantity.ts';
import type { SimulatedBehaviour } from './behaviour.ts';
import { dropOvertakenClaims, isAligned, overlaps, ownClaim, withClaim } from '../claims.ts';
import { keptTokens } from '../fencing.ts';
import { dropClaim } from './drop-claim.ts';
import { done, failed, withBlock, type SimulatedState, type StepChange } from './state.ts';
import type { EffectDraft, StepSurroundings } from './state.ts';
import { blockIdOf, blockName } from './transition.ts';

export const addSteps = {
  prepare,
  commit,
  abort,
  finish: dropClaim,
} satisfies Record<DriverStep, (state: SimulatedState, call: DriverCall, around: StepSurroundings) => StepChange>;

/** Claims the range. The claim comes before the alignment check, so overlapping *and* unaligned is EEXIST. */
function prepare(previous: SimulatedState, call: DriverCall, { behaviour }: StepSurroundings): StepChange {
  const state = dropOvertakenClaims(previous, call);
  const refusal = refuseAdd(state, call, behaviour);
  if (refusal) return failed(state, refusal.errno, refusal.message);
  const { operation, owner, range, numaNode = 0 } = call;
  const claim = { operation, runId: owner.runId, range, numaNode, created: [], keptTokens: keptTokens(call) } as const;
  return done(withClaim(state, { ...claim, operation: 'add' }));
}

function refuseAdd(
  state: SimulatedState,
  { range, numaNode = 0 }: DriverCall,
  behaviour: SimulatedBehaviour,
): { readonly errno: Errno; readonly message: string } | undefined {
  const { blockSizeBytes } = state;
  const where = `${formatAddress(range.start)} of ${String(range.size)} bytes`;
  if (range.start + range.size > (behaviour.maxBlockId + 1) * blockSizeBytes) {
    return {
      errno: 'E2BIG',
      message: `${where} is beyond memory${String(behaviour.maxBlockId)}, the last that can be addressed`,
    };
  }
  const present = blockIdsOf(range, blockSizeBytes).find((id) => state.blocks[id]);
  if (present !== undefined) return { errno: 'EEXIST', message: `${where} overlaps memory${String(present)}` };
  const device = state.deviceRanges?.find((other) => overlaps(other, range));
  if (device)
    return { errno: 'EEXIST', message: `${where} overlaps the device memory at ${formatAddress(device.start)}` };
  const claimed = state.claims.find((claim) => overlaps(claim.range, range));
  if (claimed)
    return { errno: 'EEXIST', message: `${where} overlaps the ${claimed.operation} of run ${claimed.runId}` };
  if (!isAligned(range, blockSizeBytes)) {
    return { errno: 'EINVAL', message: `${where} is not made of whole blocks of ${String(blockSizeBytes)} bytes` };
  }
  if (!behaviour.numaNodes.has(numaNode)) {
    return { errno: 'EINVAL', message: `NUMA node ${String(numaNode)} does not exist on this node` };
  }
  return undefined;
}

/** Creates one block device, offline and visible at once. */
function commit(state: SimulatedState, call: DriverCall): StepChange {
  const blockId = blockIdOf(call);
  const claim = ownClaim(state, call);
  if (!claim || !blockIdsOf(claim.range, state.blockSizeBytes).includes(blockId)) {
    return failed(state, 'EINVAL', `${blockName(call)} is not in a range that this run has claimed`);
  }
  if (claim.created.includes(blockId)) return done(state);
  if (state.blocks[blockId]) return failed(state, 'EEXIST', `${blockName(call)} exists already`);
  const created = withClaim(state, { ...claim, created: [...claim.created, blockId] });
  const next = withBlock(created, blockId, { state: 'offline', numaNode: claim.numaNode });
  return done(next, undefined, [{ change: 'created', blockId }]);
}

/** Takes away what this run created, and the claim. A block that somebody has put online meanwhile stays. */
function abort(state: SimulatedState, call: DriverCall): StepChange {
  const removable = (ownClaim(state, call)?.created ?? []).filter((id) => {
    const block = state.blocks[id];
    return block?.state === 'offline' && !block.transition;
  });
  const without = removable.reduce((next, id) => withBlock(next, id, undefined), state);
  const effects = removable.map((blockId): EffectDraft => ({ change: 'removed', blockId }));
  return { ...dropClaim(without, call), effects };
}
