/** ZONE_DEVICE: `pagemap_range()` and `memunmap_pages()`, mm/memremap.c, v6.12. No memory blocks, no notifiers. */
import { blockIdsOf, type DriverCall, type DriverStep, type MemoryRange } from '../../contract/driver.ts';
import { formatAddress } from '../../contract/quantity.ts';
import { overlaps } from '../claims.ts';
import { done, failed, type SimulatedState, type StepChange, type StepSurroundings } from './state.ts';

type Steps = Record<DriverStep, (state: SimulatedState, call: DriverCall, around: StepSurroundings) => StepChange>;

/** Device memory comes in subsections, which are smaller than a memory block. */
const SUBSECTION_BYTES = 2 * 2 ** 20;

/** The kernel looks for conflicts before it takes the lock; here all of it is one step, with the same answers. */
export const addDeviceSteps: Steps = {
  prepare: (state) => done(state),
  commit: add,
  abort: (state) => done(state),
  finish: (state) => done(state),
};

export const removeDeviceSteps: Steps = {
  prepare: (state) => done(state),
  commit: remove,
  abort: (state) => done(state),
  finish: (state) => done(state),
};

function add(state: SimulatedState, { range }: DriverCall, { behaviour }: StepSurroundings): StepChange {
  const where = `${formatAddress(range.start)} of ${String(range.size)} bytes`;
  const ranges = state.deviceRanges ?? [];
  const conflict = ranges.find((other) => overlaps(other, range));
  if (conflict)
    return failed(state, 'ENOMEM', `${where} overlaps the device memory at ${formatAddress(conflict.start)}`);
  const isRam = blockIdsOf(range, state.blockSizeBytes).some((id) => state.blocks[id]);
  if (isRam || state.claims.some((claim) => overlaps(claim.range, range))) {
    return failed(state, 'ENXIO', `${where} overlaps system RAM`);
  }
  if (!isAddressable(range, (behaviour.maxBlockId + 1) * state.blockSizeBytes)) {
    return failed(
      state,
      'EINVAL',
      `${where} is not made of addressable subsections of ${String(SUBSECTION_BYTES)} bytes`,
    );
  }
  return done({ ...state, deviceRanges: [...ranges, range] }, undefined, [{ change: 'device-added', range }]);
}

function remove(state: SimulatedState, { range }: DriverCall): StepChange {
  const ranges = state.deviceRanges ?? [];
  const kept = ranges.filter(({ start, size }) => start !== range.start || size !== range.size);
  if (kept.length === ranges.length) {
    return failed(state, 'ENODEV', `no device memory of that size at ${formatAddress(range.start)}`);
  }
  return done({ ...state, deviceRanges: kept }, undefined, [{ change: 'device-removed', range }]);
}

function isAddressable({ start, size }: MemoryRange, endBytes: number): boolean {
  const isWhole = start % SUBSECTION_BYTES === 0 && size % SUBSECTION_BYTES === 0;
  return isWhole && start >= 0 && size > 0 && start + size <= endBytes;
}
