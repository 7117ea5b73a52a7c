/** A layout file: a machine's memory blocks as they were when somebody looked. Names no host. */
import { Ajv, type JSONSchemaType } from 'ajv';
import { parse, stringify } from 'yaml';
import { parseBlockRanges } from '../../contract/block-ranges.ts';
import { parseBytes } from '../../contract/quantity.ts';
import { ONLINE_TYPES, type RequestedState } from '../../kernel/memory-block.ts';
import { ZONES, type Zone } from '../../kernel/zone.ts';

export const LAYOUT_FORMAT = 'memhp-layout/v1';

export interface MemoryLayout {
  readonly format: typeof LAYOUT_FORMAT;
  /** RFC 3339. */
  readonly capturedAt: string;
  /** Quantity. */
  readonly blockSize: string;
  /** `auto_online_blocks`; unset where the kernel has no such file. */
  readonly autoOnlineBlocks?: RequestedState;
  /** Neighbours that agree in all but their id are one entry. */
  readonly blocks: readonly LayoutBlocks[];
  /** From /proc/zoneinfo, in pages; for people. Empty zones are left out. */
  readonly zones?: readonly LayoutZone[];
}

export interface LayoutBlocks {
  /** As lsmem writes it: `0-6`. */
  readonly range: string;
  readonly state: 'online' | 'offline';
  /** Of online blocks; `none` where a block spans several zones. */
  readonly zone?: Zone;
  readonly numaNode: number;
  /** The kernel's own word; current kernels say yes to every block. */
  readonly removable?: boolean;
}

export interface LayoutZone {
  readonly numaNode: number;
  readonly zone: string;
  readonly startPfn: number;
  readonly spannedPages: number;
  readonly presentPages: number;
}

const count = { type: 'integer', minimum: 0 } as const;
const SCHEMA: JSONSchemaType<MemoryLayout> = {
  type: 'object',
  required: ['format', 'capturedAt', 'blockSize', 'blocks'],
  properties: {
    format: { type: 'string', const: LAYOUT_FORMAT },
    capturedAt: { type: 'string' },
    blockSize: { type: 'string' },
    autoOnlineBlocks: { type: 'string', enum: ['offline', ...ONLINE_TYPES], nullable: true },
    blocks: {
      type: 'array',
      items: {
        type: 'object',
        required: ['range', 'state', 'numaNode'],
        properties: {
          range: { type: 'string' },
          state: { type: 'string', enum: ['online', 'offline'] },
          zone: { type: 'string', enum: ZONES, nullable: true },
          numaNode: count,
          removable: { type: 'boolean', nullable: true },
        },
      },
    },
    zones: {
      type: 'array',
      nullable: true,
      items: {
        type: 'object',
        required: ['numaNode', 'zone', 'startPfn', 'spannedPages', 'presentPages'],
        properties: {
          numaNode: count,
          zone: { type: 'string' },
          startPfn: count,
          spannedPages: count,
          presentPages: count,
        },
      },
    },
  },
};
const ajv = new Ajv({ allErrors: true });
const isLayout = ajv.compile(SCHEMA);

/** Throws an Error that names what is wrong and where. */
export function parseLayout(yaml: string): MemoryLayout {
  const layout: unknown = parse(yaml);
  if (!isLayout(layout)) {
    throw new Error(`not a layout file (${ajv.errorsText(isLayout.errors)}); make one with: memhp capture`);
  }
  parseBytes(layout.blockSize);
  for (const { range } of layout.blocks) parseBlockRanges(range);
  return layout;
}

const HEADER = ` Memory layout of a real machine, captured by "memhp capture" from /sys/devices/system/memory and /proc/zoneinfo.
 Make a simulated node of it:  memhp import FILE --node NAME | kubectl apply -f -
`;

export function formatLayout(layout: MemoryLayout): string {
  return `${HEADER.replace(/^ /gm, '# ')}${stringify(layout)}`;
}
