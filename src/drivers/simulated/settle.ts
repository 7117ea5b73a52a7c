/** Settling: what finished runs left on the node is brought to an end, and nothing more is done in their name. */
import type { SettleRequest } from '../../contract/memory-driver.ts';
import { isSettledBy, raiseFence } from '../fencing.ts';
import type { SimulatedBlock, SimulatedState } from './state.ts';
import { settled } from './transition.ts';

/**
 * The node after the settlement; the same object if there was nothing to do. A transition that was committed becomes the
 * block's state, any other is undone. Claims are dropped, blocks that were created stay. The journal forgets the runs:
 * its answers would tell them to go on.
 */
export function settleRuns(state: SimulatedState, request: SettleRequest): SimulatedState {
  const runs = settledRuns(state, request);
  const fenced = raiseFence(state, request);
  if (runs.size === 0) return fenced;
  return {
    ...fenced,
    blocks: Object.fromEntries(
      Object.entries(state.blocks).map(([id, block]) => [id, settleBlock(block, runs)] as const),
    ),
    claims: state.claims.filter(({ runId }) => !runs.has(runId)),
    journal: state.journal.filter(({ runId }) => !runs.has(runId)),
  };
}

/**
 * The journal knows the runs that did not keep the lock in question until `finish`. A run that has given back a lock
 * which somebody else is settled with has no undone work under it, so that it may be counted in.
 */
function settledRuns({ blocks, claims, journal }: SimulatedState, request: SettleRequest): ReadonlySet<string> {
  const transitions = Object.values(blocks).flatMap(({ transition }) => (transition ? [transition] : []));
  const kept = [...transitions, ...claims].filter(({ keptTokens }) => isSettledBy(request, keptTokens));
  const journaled = journal.filter(({ tokens }) => isSettledBy(request, tokens));
  return new Set([...kept, ...journaled].map(({ runId }) => runId));
}

function settleBlock(block: SimulatedBlock, runs: ReadonlySet<string>): SimulatedBlock {
  return block.transition && runs.has(block.transition.runId) ? settled(block) : block;
}
