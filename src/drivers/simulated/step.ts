/** One driver step as a pure function: fencing, journal, the operation itself, injected errors, audit. */
import { blockIdsOf, type DriverCall, type DriverOperation } from '../../contract/driver.ts';
import { addSteps } from './add.ts';
import { offlineCpuSteps, onlineCpuSteps } from './cpu.ts';
import { addDeviceSteps, removeDeviceSteps } from './device-memory.ts';
import { rememberTokens, staleness } from './fencing.ts';
import { findEntry, hasSameTokens, recordEntry } from './journal.ts';
import { offlineSteps } from './offline.ts';
import { onlineSteps } from './online.ts';
import { removeSteps } from './remove.ts';
import { failed, type Effect, type EffectDraft, type SimulatedState } from './state.ts';
import type { StepChange, StepSurroundings, StepWait } from './state.ts';

type Step = (state: SimulatedState, call: DriverCall, around: StepSurroundings) => StepChange | StepWait;
const STEPS: Record<DriverOperation, Record<DriverCall['step'], Step>> = {
  add: addSteps,
  online: onlineSteps,
  offline: offlineSteps,
  remove: removeSteps,
  'online-cpu': onlineCpuSteps,
  'offline-cpu': offlineCpuSteps,
  'add-device': addDeviceSteps,
  'remove-device': removeDeviceSteps,
};

/**
 * Takes `call` as far as it gets now. The returned state must be durable before the result is told to anyone.
 *
 * A repeat of a recorded step with the tokens it was done with is answered from the journal before fencing: answering
 * changes nothing, and a run whose reply got lost must learn what it did even if its locks have passed on since. After a
 * reboot nobody is told so, because what was done is gone with the boot.
 */
export function takeStep(state: SimulatedState, call: DriverCall, around: StepSurroundings): StepChange | StepWait {
  if (call.bootId !== state.bootId) {
    return failed(state, 'ESTALE', `the node has rebooted: boot ${call.bootId} is over, this is ${state.bootId}`);
  }
  const entry = findEntry(state, call);
  if (entry && hasSameTokens(entry, call)) return { state, result: entry.result, effects: [] };
  const stale = staleness(state, call);
  if (stale !== undefined) return failed(state, 'ESTALE', stale);
  const remembered = rememberTokens(state, call);
  if (entry) return { state: remembered, result: entry.result, effects: [] };
  const verdict = perform(remembered, call, around);
  if (!('result' in verdict)) return verdict;
  const recorded = recordEntry(verdict.state, call, verdict.result);
  return { ...verdict, state: audit(recorded, call, verdict.effects, around.nowMs) };
}

function perform(state: SimulatedState, call: DriverCall, around: StepSurroundings): StepChange | StepWait {
  if (needsBlock(call) && call.blockId === undefined) {
    return failed(state, 'EINVAL', `${call.operation} ${call.step} is about one block: set blockId`);
  }
  const verdict = STEPS[call.operation][call.step](state, call, around);
  if (!('result' in verdict) || !verdict.result.ok) return verdict;
  const injected = around.behaviour.errors.find(
    (error) =>
      error.operation === call.operation &&
      error.step === call.step &&
      (!error.blocks || touchedBlocks(state, call).some((id) => error.blocks?.has(id))),
  );
  return injected ? failed(state, injected.errno, `${injected.errno} injected by spec.simulated.errors`) : verdict;
}

function needsBlock({ operation, step }: DriverCall): boolean {
  if (operation === 'add' || operation === 'remove') return step === 'commit';
  return operation === 'online' || operation === 'offline';
}

function touchedBlocks(state: SimulatedState, call: DriverCall): readonly number[] {
  return call.blockId === undefined ? blockIdsOf(call.range, state.blockSizeBytes) : [call.blockId];
}

function audit(state: SimulatedState, call: DriverCall, drafts: readonly EffectDraft[], nowMs: number): SimulatedState {
  const { operation, step, owner, tokens } = call;
  return withEffects(
    state,
    drafts.map((draft) => ({ ...draft, operation, step, runId: owner.runId, tokens })),
    nowMs,
  );
}

/** Numbers `effects` and puts them where the next write makes them durable together with the change itself. */
export function withEffects(
  state: SimulatedState,
  effects: readonly Omit<Effect, 'sequence' | 'time'>[],
  nowMs: number,
): SimulatedState {
  if (effects.length === 0) return state;
  const time = new Date(nowMs).toISOString();
  const numbered = effects.map((effect, index) => ({ sequence: state.lastEffect + 1 + index, time, ...effect }));
  return {
    ...state,
    lastEffect: state.lastEffect + effects.length,
    unwrittenEffects: [...state.unwrittenEffects, ...numbered],
  };
}
