/** One driver step as a pure function: admission, the operation itself, injected errors, audit. */
import { blockIdsOf, type DriverCall, type DriverOperation } from '../../contract/driver.ts';
import { admit } from '../admission.ts';
import { recordEntry } from '../journal.ts';
import { addSteps } from './add.ts';
import { offlineCpuSteps, onlineCpuSteps } from './cpu.ts';
import { addDeviceSteps, removeDeviceSteps } from './device-memory.ts';
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

/** Takes `call` as far as it gets now. The returned state must be durable before the result is told to anyone. */
export function takeStep(state: SimulatedState, call: DriverCall, around: StepSurroundings): StepChange | StepWait {
  const admission = admit(state, call);
  if (admission.result) return { state: admission.state, result: admission.result, effects: [] };
  const verdict = perform(admission.state, call, around);
  if (!('result' in verdict)) return verdict;
  const recorded = recordEntry(verdict.state, call, verdict.result);
  return { ...verdict, state: audit(recorded, call, verdict.effects, around.nowMs) };
}

function perform(state: SimulatedState, call: DriverCall, around: StepSurroundings): StepChange | StepWait {
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
