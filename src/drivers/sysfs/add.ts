/** Add by the file `probe`, one write per block. The kernel knows which NUMA node an address belongs to. */
import { blockIdsOf, type DriverCall, type DriverResult } from '../../contract/driver.ts';
import type { Errno } from '../../kernel/errno.ts';
import { formatAddress } from '../../contract/quantity.ts';
import { dropOvertakenClaims, isAligned, overlaps, ownClaim, withClaim, withoutClaim } from '../claims.ts';
import { keptTokens } from '../fencing.ts';
import { probeFile } from './capabilities.ts';
import { blockIdOf, blockName, done, failed, notSupported, succeeded, writeFailure } from './step-verdict.ts';
import type { ObservedEnd, StepSurroundings, StepVerdict } from './step-verdict.ts';
import type { SysfsMemory } from './sysfs-memory.ts';
import type { SysfsState } from './sysfs-state.ts';

export const addSteps = { prepare, commit, abort, finish, conclude };

/** Claims the range. The claim comes before the alignment check, so overlapping *and* unaligned is EEXIST. */
function prepare(previous: SysfsState, call: DriverCall, { memory, capabilities }: StepSurroundings): StepVerdict {
  if (!capabilities.add) return notSupported(previous, 'this kernel has no file to add memory by (probe)');
  const state = dropOvertakenClaims(previous, call);
  const refusal = refuseAdd(state, call, memory);
  if (refusal) return failed(state, refusal.errno, refusal.message);
  const { owner, range, numaNode = 0 } = call;
  const claim = { operation: 'add', runId: owner.runId, range, numaNode, created: [] } as const;
  return done(withClaim(state, { ...claim, keptTokens: keptTokens(call) }));
}

function refuseAdd(
  { claims }: SysfsState,
  { range }: DriverCall,
  memory: SysfsMemory,
): { readonly errno: Errno; readonly message: string } | undefined {
  const { blockSizeBytes } = memory;
  const where = `${formatAddress(range.start)} of ${String(range.size)} bytes`;
  const present = blockIdsOf(range, blockSizeBytes).find((id) => memory.block(id));
  if (present !== undefined) return { errno: 'EEXIST', message: `${where} overlaps memory${String(present)}` };
  const claimed = claims.find((claim) => overlaps(claim.range, range));
  if (claimed) return { errno: 'EEXIST', message: `${where} overlaps the add of run ${claimed.runId}` };
  if (isAligned(range, blockSizeBytes)) return undefined;
  return { errno: 'EINVAL', message: `${where} is not made of whole blocks of ${String(blockSizeBytes)} bytes` };
}

/** One block: the address of it, and the kernel makes the device. */
function commit(state: SysfsState, call: DriverCall, { memory }: StepSurroundings): StepVerdict {
  const blockId = blockIdOf(call);
  const claim = ownClaim(state, call);
  if (!claim || !blockIdsOf(claim.range, memory.blockSizeBytes).includes(blockId)) {
    return failed(state, 'EINVAL', `${blockName(call)} is not in a range that this run has claimed`);
  }
  if (claim.created.includes(blockId) && memory.block(blockId)) return done(state);
  if (memory.block(blockId)) return failed(state, 'EEXIST', `${blockName(call)} exists already`);
  const created = [...claim.created.filter((id) => id !== blockId), blockId];
  return {
    state: withClaim(state, { ...claim, created }),
    write: { file: probeFile(memory), text: formatAddress(blockId * memory.blockSizeBytes) },
  };
}

function conclude(call: DriverCall, memory: SysfsMemory, end: ObservedEnd): DriverResult | undefined {
  if (memory.block(blockIdOf(call))) return succeeded();
  const address = formatAddress(blockIdOf(call) * memory.blockSizeBytes);
  return writeFailure(`writing ${address} to probe`, end);
}

function finish(state: SysfsState, call: DriverCall): StepVerdict {
  return done(withoutClaim(state, call));
}

/** Gives the claim back. Blocks that were created stay, offline: nothing in sysfs takes them away. */
function abort(state: SysfsState, call: DriverCall, { memory }: StepSurroundings): StepVerdict {
  const left = (ownClaim(state, call)?.created ?? []).filter((id) => memory.block(id));
  const dropped = withoutClaim(state, call);
  if (left.length === 0) return done(dropped);
  const names = left.map((id) => `memory${String(id)}`).join(', ');
  return notSupported(dropped, `${names} stay: sysfs has no file to remove memory by`);
}
