/** `memory_block_offline` and `offline_pages`, in steps. */
import type { DriverCall, DriverStep } from '../../contract/driver.ts';
import type { Errno } from '../../kernel/errno.ts';
import { beginTransition } from '../../kernel/memory-block.ts';
import type { SimulatedBehaviour } from './behaviour.ts';
import { keptTokens } from '../fencing.ts';
import { done, failed, withBlock, type SimulatedBlock, type SimulatedState, type StepChange } from './state.ts';
import type { BlockTransition, StepSurroundings, StepWait } from './state.ts';
import { blockIdOf, blockName, finishTransition, leftover, notPrepared, ownTransition } from './transition.ts';
import { settled, stays, takeOver } from './transition.ts';

export const offlineSteps = {
  prepare,
  commit,
  abort,
  finish: finishTransition,
} satisfies Record<
  DriverStep,
  (state: SimulatedState, call: DriverCall, around: StepSurroundings) => StepChange | StepWait
>;

/** Checks in the kernel's order and isolates the pages. On an errno the block is online at once, nothing to abort. */
function prepare(state: SimulatedState, call: DriverCall, { behaviour }: StepSurroundings): StepChange {
  const blockId = blockIdOf(call);
  const found = state.blocks[blockId];
  const taken = found && takeOver(state, call, found);
  if (taken) return taken;
  if (!found) return failed(state, 'ENODEV', `${blockName(call)} does not exist`);
  const block = leftover(found, call) ? settled(found) : found;
  const next = withBlock(state, blockId, block);
  const refusal = refuseOffline(block, blockId, behaviour);
  if (refusal) return failed(next, refusal.errno, `${blockName(call)} ${refusal.reason}`);
  if (block.transition) return failed(next, 'EBUSY', `${blockName(call)} is in an operation of another run`);
  const transition = { operation: 'offline', runId: call.owner.runId, keptTokens: keptTokens(call) } as const;
  const isolated = { ...block, state: 'going-offline', transition: { ...transition, phase: 'prepared' } } as const;
  return done(withBlock(next, blockId, isolated), block.zone);
}

/** Why `block` cannot even be isolated; the kernel notifies nobody about any of these. */
export function refuseOffline(
  block: SimulatedBlock,
  blockId: number,
  behaviour: SimulatedBehaviour,
): { readonly errno: Errno; readonly reason: string } | undefined {
  const verdict = beginTransition('offline', block.state);
  if (verdict.kind === 'already') return { errno: 'EINVAL', reason: 'is offline already' };
  if (verdict.kind === 'refused') return { errno: verdict.errno, reason: `is ${block.state}` };
  if (block.zone === 'none') return { errno: 'EINVAL', reason: 'spans more than one zone' };
  if (behaviour.holes.has(blockId)) return { errno: 'EINVAL', reason: 'has memory holes' };
  if (behaviour.unmovable.has(blockId)) return { errno: 'EBUSY', reason: 'has an unmovable page' };
  return undefined;
}

/** Migrates pages away until none is left, then passes the point of no return. */
function commit(state: SimulatedState, call: DriverCall, around: StepSurroundings): StepChange | StepWait {
  const blockId = blockIdOf(call);
  const block = state.blocks[blockId];
  const transition = ownTransition(block, call);
  if (!block || !transition || transition.phase === 'aborted') return notPrepared(state, call);
  if (transition.phase === 'committed') return done(state);
  if (around.interrupted) return failed(state, 'EINTR', `${blockName(call)}: migration was interrupted`);
  if (around.behaviour.pinned.has(blockId)) {
    return failed(state, 'EBUSY', `${blockName(call)} has a page that cannot be migrated`);
  }
  return migrate(state, call, around, { ...block, transition });
}

/** Time is counted from the first attempt, so that an agent which restarts again and again still comes to an end. */
function migrate(
  state: SimulatedState,
  call: DriverCall,
  { behaviour: { migrationMs }, nowMs }: StepSurroundings,
  block: SimulatedBlock & { readonly transition: BlockTransition },
): StepChange | StepWait {
  const blockId = blockIdOf(call);
  const { transition } = block;
  const startedAtMs = transition.migrationStartedAtMs ?? nowMs;
  const timeoutMs = call.timeoutMs ?? Number.POSITIVE_INFINITY;
  const waitMs = startedAtMs + Math.min(migrationMs, timeoutMs) - nowMs;
  if (waitMs > 0) {
    const isFirst = transition.migrationStartedAtMs === undefined;
    const started = { ...block, transition: { ...transition, migrationStartedAtMs: startedAtMs } };
    const progress = `migrating ${blockName(call)}: ${String(nowMs - startedAtMs)} of ${String(migrationMs)} ms`;
    return { state: isFirst ? withBlock(state, blockId, started) : state, waitMs, progress };
  }
  if (timeoutMs < migrationMs) {
    return failed(state, 'EINTR', `${blockName(call)}: pages did not migrate away in ${String(timeoutMs)} ms`);
  }
  const committed = withBlock(state, blockId, { ...block, transition: { ...transition, phase: 'committed' } });
  return done(committed, undefined, [{ change: 'pages-offline', blockId }]);
}

/** Undoes the isolation: pages can be used again. `state` reads going-offline until `finish`. Not past the point of no return. */
function abort(state: SimulatedState, call: DriverCall): StepChange {
  const blockId = blockIdOf(call);
  const block = state.blocks[blockId];
  const transition = ownTransition(block, call);
  if (!block || !transition) return done(state);
  if (transition.phase === 'committed') return stays(state);
  const undone = withBlock(state, blockId, { ...block, transition: { ...transition, phase: 'aborted' } });
  return done(undone, block.zone);
}
