/** Which step does what: one step without its write, and the result of that write. */
import type { DriverCall, DriverOperation, DriverResult } from '../../contract/driver.ts';
import { withoutClaim } from '../claims.ts';
import { addSteps } from './add.ts';
import { offlineSteps } from './offline.ts';
import { onlineSteps } from './online.ts';
import { done, notSupported, type ObservedEnd, type Step, type StepVerdict } from './step-verdict.ts';
import type { StepSurroundings } from './step-verdict.ts';
import type { SysfsMemory } from './sysfs-memory.ts';
import type { SysfsState } from './sysfs-state.ts';

interface Steps extends Record<DriverCall['step'], Step> {
  /** Of a commit whose write has ended; undefined: it has to be done again. */
  conclude(call: DriverCall, memory: SysfsMemory, end: ObservedEnd): DriverResult | undefined;
}

const STEPS: Record<DriverOperation, Steps> = {
  add: addSteps,
  online: onlineSteps,
  offline: offlineSteps,
  remove: impossible('sysfs has no file to remove memory by: unplug it at the hypervisor or the platform'),
  'online-cpu': impossible('this driver does no CPUs'),
  'offline-cpu': impossible('this driver does no CPUs'),
  'add-device': impossible('this driver adds no device memory: its own driver in the kernel does'),
  'remove-device': impossible('this driver removes no device memory: its own driver in the kernel does'),
};

/** Takes an admitted `call` as far as it gets without a write. The returned state must be durable before anything else. */
export function takeStep(state: SysfsState, call: DriverCall, around: StepSurroundings): StepVerdict {
  return STEPS[call.operation][call.step](state, call, around);
}

/** What `call` comes to now that its write has ended; undefined: nobody knows whether there was one. */
export function concludeStep(call: DriverCall, memory: SysfsMemory, end: ObservedEnd): DriverResult | undefined {
  return STEPS[call.operation].conclude(call, memory, end);
}

function impossible(why: string): Steps {
  const refuse: Step = (state) => notSupported(state, why);
  const nothing: Step = (state, call) => done(withoutClaim(state, call));
  return { prepare: refuse, commit: refuse, finish: nothing, abort: nothing, conclude: () => undefined };
}
