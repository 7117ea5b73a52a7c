/** Online of a block: `prepare` looks, and one write to `state` is all the rest. */
import type { DriverCall, DriverResult } from '../../contract/driver.ts';
import { beginTransition } from '../../kernel/memory-block.ts';
import { zoneOffered } from '../block-attributes.ts';
import { blockIdOf, blockName, done, failed, notSupported, succeeded, writeFailure } from './step-verdict.ts';
import type { ObservedEnd, StepSurroundings, StepVerdict } from './step-verdict.ts';
import type { SysfsMemory } from './sysfs-memory.ts';
import type { SysfsState } from './sysfs-state.ts';
import { abort, finish, notPrepared, ownTransition, prepared } from './transition.ts';

export const onlineSteps = { prepare, commit, abort, finish, conclude };

/** The zone of the result is what `valid_zones` offers; the kernel chooses when it is written. */
function prepare(state: SysfsState, call: DriverCall, { memory, capabilities }: StepSurroundings): StepVerdict {
  if (!capabilities.online) return notSupported(state, `the agent cannot write ${blockName(call)}/state`);
  const block = memory.block(blockIdOf(call));
  const verdict = beginTransition('online', block?.state ?? 'absent');
  if (verdict.kind === 'refused' || !block) {
    const errno = verdict.kind === 'refused' ? verdict.errno : 'ENODEV';
    return failed(state, errno, block ? `${blockName(call)} is ${block.state}` : `${blockName(call)} does not exist`);
  }
  if (verdict.kind === 'already') return failed(state, 'EINVAL', `${blockName(call)} is online already`);
  const word = wordOf(call);
  const zone = zoneOffered(word, block.validZones);
  if (zone === undefined && block.validZones.length > 0) {
    const offered = block.validZones.join(' ');
    return failed(state, 'EINVAL', `${blockName(call)} cannot come online by ${word}: its valid_zones are ${offered}`);
  }
  return done(prepared(state, call, 'online'), zone);
}

function commit(state: SysfsState, call: DriverCall, { memory }: StepSurroundings): StepVerdict {
  if (!ownTransition(state, call)) return notPrepared(state, call);
  const blockId = blockIdOf(call);
  const block = memory.block(blockId);
  if (block?.state === 'online') {
    return { state, result: { noop: true, ...succeeded(block.zone) } };
  }
  return { state, write: { file: memory.blockFile(blockId, 'state'), text: wordOf(call) } };
}

/** The block itself decides between success and failure, the errno only names the failure. */
function conclude(call: DriverCall, memory: SysfsMemory, end: ObservedEnd): DriverResult | undefined {
  const block = memory.block(blockIdOf(call));
  if (block?.state === 'online') return succeeded(block.zone);
  return writeFailure(`writing ${wordOf(call)} to ${blockName(call)}/state`, end);
}

function wordOf({ onlineType = 'online' }: DriverCall): string {
  return onlineType;
}
