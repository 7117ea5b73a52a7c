/** Offline of a block: `prepare` looks, and one long write to `state` is all the rest. */
import type { DriverCall, DriverResult } from '../../contract/driver.ts';
import { beginTransition } from '../../kernel/memory-block.ts';
import { blockIdOf, blockName, done, failed, notSupported, succeeded, writeFailure } from './step-verdict.ts';
import type { ObservedEnd, StepSurroundings, StepVerdict } from './step-verdict.ts';
import type { SysfsMemory } from './sysfs-memory.ts';
import type { SysfsState } from './sysfs-state.ts';
import { abort, finish, notPrepared, ownTransition, prepared } from './transition.ts';

export const offlineSteps = { prepare, commit, abort, finish, conclude };

/** What can be told from outside. Holes and pages that cannot be isolated show only when the kernel tries. */
function prepare(state: SysfsState, call: DriverCall, { memory, capabilities }: StepSurroundings): StepVerdict {
  if (!capabilities.offline) return notSupported(state, `the agent cannot write ${blockName(call)}/state`);
  const block = memory.block(blockIdOf(call));
  const verdict = beginTransition('offline', block?.state ?? 'absent');
  if (verdict.kind === 'already') return failed(state, 'EINVAL', `${blockName(call)} is offline already`);
  if (verdict.kind === 'refused' || !block) {
    const errno = verdict.kind === 'refused' ? verdict.errno : 'ENODEV';
    return failed(state, errno, block ? `${blockName(call)} is ${block.state}` : `${blockName(call)} does not exist`);
  }
  if (block.zone === 'none') return failed(state, 'EINVAL', `${blockName(call)} spans more than one zone`);
  return done(prepared(state, call, 'offline'), block.zone);
}

/** Time is counted from the first attempt, so that an agent which restarts again and again still comes to an end. */
function commit(
  state: SysfsState,
  call: DriverCall,
  { memory, uptimeMs, isInterrupted }: StepSurroundings,
): StepVerdict {
  const transition = ownTransition(state, call);
  if (!transition) return notPrepared(state, call);
  const blockId = blockIdOf(call);
  if (memory.block(blockId)?.state === 'offline') return { state, result: { ok: true, noop: true } };
  const { startedAtUptimeMs = uptimeMs } = transition;
  if (isInterrupted) return failed(state, 'EINTR', `${blockName(call)}: the operation was cancelled`);
  if (uptimeMs - startedAtUptimeMs >= (call.timeoutMs ?? Number.POSITIVE_INFINITY)) {
    return failed(state, 'EINTR', `${blockName(call)}: pages did not migrate away in ${String(call.timeoutMs)} ms`);
  }
  return {
    state: { ...state, transition: { ...transition, startedAtUptimeMs } },
    write: { file: memory.blockFile(blockId, 'state'), text: 'offline' },
  };
}

/** The block itself decides between success and failure, the errno only names the failure. */
function conclude(call: DriverCall, memory: SysfsMemory, end: ObservedEnd): DriverResult | undefined {
  if (memory.block(blockIdOf(call))?.state === 'offline') return succeeded();
  return writeFailure(`writing offline to ${blockName(call)}/state`, end);
}
