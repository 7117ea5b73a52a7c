/** Settling: what finished runs left on the node is brought to an end, and nothing more is done in their name. */
import type { SettleRequest } from '../../contract/memory-driver.ts';
import type { LockName } from '../../kernel/lock.ts';
import type { SeenToken, SimulatedBlock, SimulatedState } from './state.ts';
import { settled } from './transition.ts';

type Tokens = Readonly<Record<LockName, number>>;

/** Stands where the run of a token stands: no run is called that, so even the run that had the token is refused. */
const NOBODY = 'settled';

/** Whether a step that carries `tokens` acts for a run that `request` settles. */
export function isSettledBy({ tokens: settledTokens = {}, below = 0 }: SettleRequest, tokens: Tokens): boolean {
  return Object.entries(tokens).some(([lock, token]) => token <= (settledTokens[lock] ?? 0) || token < below);
}

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

/** 0 when no run has ever come with one. */
export function highestToken({ tokens }: SimulatedState): number {
  return Math.max(0, ...Object.values(tokens).map(({ token }) => token));
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

function raiseFence(state: SimulatedState, { tokens = {}, below = 0 }: SettleRequest): SimulatedState {
  const raised = Object.entries(tokens).flatMap(([lock, token]): [LockName, SeenToken][] => {
    const seen = state.tokens[lock];
    const isRefused = seen && (seen.token > token || (seen.token === token && seen.runId === NOBODY));
    return isRefused ? [] : [[lock, { token, runId: NOBODY }]];
  });
  const floor = state.tokenFloor ?? 0;
  if (raised.length === 0 && below <= floor) return state;
  return {
    ...state,
    tokens: { ...state.tokens, ...Object.fromEntries(raised) },
    ...(below > floor ? { tokenFloor: below } : {}),
  };
}

function settleBlock(block: SimulatedBlock, runs: ReadonlySet<string>): SimulatedBlock {
  return block.transition && runs.has(block.transition.runId) ? settled(block) : block;
}
