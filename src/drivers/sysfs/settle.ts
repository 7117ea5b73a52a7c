/** Settling: nothing more is done in the name of finished runs. What they did to the blocks, the blocks show themselves. */
import type { SettleRequest } from '../../contract/memory-driver.ts';
import { isSettledBy, raiseFence } from '../fencing.ts';
import { withoutTransition, type SysfsState } from './sysfs-state.ts';

/**
 * The state after the settlement; the same object if there was nothing to do. The journal forgets the runs: its answers
 * would tell them to go on. A write stays recorded until it has ended.
 */
export function settleRuns(state: SysfsState, request: SettleRequest): SysfsState {
  const { transition, claims, journal } = state;
  const kept = [...(transition ? [transition] : []), ...claims];
  const runs = new Set([
    ...kept.filter(({ keptTokens }) => isSettledBy(request, keptTokens)).map(({ runId }) => runId),
    ...journal.filter(({ tokens }) => isSettledBy(request, tokens)).map(({ runId }) => runId),
  ]);
  const fenced = raiseFence(state, request);
  if (runs.size === 0) return fenced;
  const settled = transition && runs.has(transition.runId) ? withoutTransition(fenced) : fenced;
  return {
    ...settled,
    claims: claims.filter(({ runId }) => !runs.has(runId)),
    journal: journal.filter(({ runId }) => !runs.has(runId)),
  };
}
