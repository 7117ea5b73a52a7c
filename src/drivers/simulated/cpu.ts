/** `cpu_subsys_online()` and `cpu_subsys_offline()`, drivers/base/cpu.c and kernel/cpu.c, v6.12. */
import type { DriverCall, DriverStep } from '../../contract/driver.ts';
import { done, failed, type SimulatedState, type StepChange, type StepSurroundings } from './state.ts';

type Steps = Record<DriverStep, (state: SimulatedState, call: DriverCall, around: StepSurroundings) => StepChange>;

/** Between the two steps stands `try_online_node()`: `cpu_up()` looks whether the CPU is possible before it. */
export const onlineCpuSteps: Steps = {
  prepare: (state, call, around) =>
    refuseCpu(state, call, around) ?? (isOffline(state, call) ? done(state) : noop(state)),
  commit: (state, call, around) => refuseCpu(state, call, around) ?? online(state, call),
  abort: (state) => done(state),
  finish: (state) => done(state),
};

export const offlineCpuSteps: Steps = {
  prepare: (state) => done(state),
  commit: (state, call, around) => refuseCpu(state, call, around) ?? offline(state, call),
  abort: (state) => done(state),
  finish: (state) => done(state),
};

/** `cpu_possible()`: there is no such CPU otherwise. */
function refuseCpu(state: SimulatedState, call: DriverCall, { behaviour }: StepSurroundings): StepChange | undefined {
  const cpu = cpuOf(call);
  if (Number.isInteger(cpu) && cpu >= 0 && cpu < behaviour.cpus) return undefined;
  return failed(state, 'EINVAL', `cpu${String(cpu)} is not possible: the node has ${String(behaviour.cpus)} CPUs`);
}

function online(state: SimulatedState, call: DriverCall): StepChange {
  if (!isOffline(state, call)) return noop(state);
  const cpu = cpuOf(call);
  const offlineCpus = (state.offlineCpus ?? []).filter((other) => other !== cpu);
  return done({ ...state, offlineCpus }, undefined, [{ change: 'cpu-online', cpu }]);
}

/** cpu0 of x86 is not hotpluggable (`offline_disabled`), so that the last CPU online is never asked to go. */
function offline(state: SimulatedState, call: DriverCall): StepChange {
  const cpu = cpuOf(call);
  if (cpu === 0) return failed(state, 'EPERM', 'cpu0 cannot be taken offline: it is not hotpluggable');
  if (isOffline(state, call)) return noop(state);
  const offlineCpus = [...(state.offlineCpus ?? []), cpu];
  return done({ ...state, offlineCpus }, undefined, [{ change: 'cpu-offline', cpu }]);
}

function isOffline(state: SimulatedState, call: DriverCall): boolean {
  return state.offlineCpus?.includes(cpuOf(call)) ?? false;
}

function cpuOf(call: DriverCall): number {
  return call.cpu ?? -1;
}

function noop(state: SimulatedState): StepChange {
  return { state, result: { ok: true, noop: true }, effects: [] };
}
