/** `spec.simulated` with its defaults filled in and its block ranges as sets. */
import { BLOCKS_MAX, parseBlockRanges } from '../../contract/block-ranges.ts';
import { parseBytes } from '../../contract/quantity.ts';
import type { SimulatedBlocks, SimulatedError, SimulatedSpec } from '../../contract/resources.ts';

export interface SimulatedBehaviour {
  /** Applied at boot only. */
  readonly boot: { readonly blockSizeBytes: number; readonly blocks: readonly SimulatedBlocks[] };
  readonly maxBlockId: number;
  readonly numaNodes: ReadonlySet<number>;
  readonly cpus: number;
  readonly movableNode: boolean;
  readonly unmovable: ReadonlySet<number>;
  readonly pinned: ReadonlySet<number>;
  readonly holes: ReadonlySet<number>;
  readonly poisoned: ReadonlySet<number>;
  readonly migrationMs: number;
  readonly stepDelayMs: number;
  readonly errors: readonly InjectedError[];
}

interface InjectedError extends Omit<SimulatedError, 'range'> {
  /** Unset: every block. */
  readonly blocks?: ReadonlySet<number>;
}

const DEFAULT_BLOCK_SIZE = '128Mi';
const DEFAULT_CPUS = 4;

/** Throws a RangeError that names the field when a range or quantity cannot be read. */
export function parseBehaviour(spec: SimulatedSpec): SimulatedBehaviour {
  return {
    boot: {
      blockSizeBytes: inField('blockSize', () => parseBlockSize(spec.blockSize ?? DEFAULT_BLOCK_SIZE)),
      blocks: spec.blocks ?? [],
    },
    maxBlockId: spec.maxBlockId ?? BLOCKS_MAX - 1,
    numaNodes: new Set(spec.numaNodes ?? [0]),
    cpus: spec.cpus ?? DEFAULT_CPUS,
    movableNode: spec.movableNode ?? false,
    unmovable: inField('unmovable', () => blockSet(spec.unmovable)),
    pinned: inField('pinned', () => blockSet(spec.pinned)),
    holes: inField('holes', () => blockSet(spec.holes)),
    poisoned: inField('poisoned', () => blockSet(spec.poisoned)),
    migrationMs: spec.migrationMs ?? 0,
    stepDelayMs: spec.stepDelayMs ?? 0,
    errors: (spec.errors ?? []).map(({ range, ...error }) =>
      range === undefined ? error : { ...error, blocks: inField('errors', () => blockSet(range)) },
    ),
  };
}

function parseBlockSize(quantity: string): number {
  const bytes = parseBytes(quantity);
  // The kernel's blocks are a power of two of at least one 16 MiB section.
  if (bytes < 2 ** 24 || !Number.isInteger(Math.log2(bytes))) {
    throw new RangeError(`"${quantity}" is not a block size; use a power of two of at least 16Mi`);
  }
  return bytes;
}

function blockSet(ranges: string | undefined): ReadonlySet<number> {
  return new Set(parseBlockRanges(ranges ?? ''));
}

function inField<T>(field: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new RangeError(`spec.simulated.${field}: ${(error as Error).message}`, { cause: error });
  }
}
