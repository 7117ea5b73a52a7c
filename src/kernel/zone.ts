/**
 * Which zone a block's pages belong to, or would belong to if it went online.
 * Mirrors `zone_for_pfn_range` and `valid_zones_show` (mm/memory_hotplug.c, drivers/base/memory.c), v6.12, with the
 * default `online_policy=contig-zones`.
 */
import type { OnlineType } from './memory-block.ts';

/** The zones of ordinary RAM, lowest first, and `none` for a block that spans several (`valid_zones` prints it so). */
export const ZONES = ['DMA', 'DMA32', 'Normal', 'Movable', 'none'] as const;
export type Zone = (typeof ZONES)[number];

export function isZone(word: string): word is Zone {
  return (ZONES as readonly string[]).includes(word);
}

/** Block ids, both ends included. */
export interface BlockSpan {
  readonly first: number;
  readonly last: number;
}

/** The span of every zone of one NUMA node that has any online memory. */
export type ZoneSpans = Readonly<Partial<Record<Exclude<Zone, 'none'>, BlockSpan>>>;

export interface ZonePolicy {
  /** The boot parameter `movable_node`: decides where neither or both of the zones span a range. */
  readonly movableNode: boolean;
}

/**
 * A zone's span is the hull of its online blocks: the kernel trims ends only, so one far block stretches its zone over
 * everything between. `blocks` are the online blocks of one NUMA node; `none` belongs to no single zone and counts for none.
 */
export function zoneSpans(blocks: Iterable<{ readonly blockId: number; readonly zone: Zone }>): ZoneSpans {
  const spans: Partial<Record<Exclude<Zone, 'none'>, BlockSpan>> = {};
  for (const { blockId, zone } of blocks) {
    if (zone === 'none') continue;
    const span = spans[zone] ?? { first: blockId, last: blockId };
    spans[zone] = { first: Math.min(span.first, blockId), last: Math.max(span.last, blockId) };
  }
  return spans;
}

/** The zone that `range` joins when it is onlined as `onlineType`. */
export function zoneForPfnRange(onlineType: OnlineType, range: BlockSpan, spans: ZoneSpans, policy: ZonePolicy): Zone {
  if (onlineType === 'online_movable') return 'Movable';
  const kernelZone = kernelZoneFor(range, spans);
  if (onlineType === 'online_kernel') return kernelZone;
  const inKernel = intersects(spans[kernelZone], range);
  const inMovable = intersects(spans.Movable, range);
  if (inKernel !== inMovable) return inKernel ? kernelZone : 'Movable';
  return policy.movableNode ? 'Movable' : kernelZone;
}

/** What `valid_zones` of an offline block lists: the default first, then the other candidates, none twice. */
export function validZones(range: BlockSpan, spans: ZoneSpans, policy: ZonePolicy): readonly Zone[] {
  const byDefault = zoneForPfnRange('online', range, spans, policy);
  return [...new Set<Zone>([byDefault, kernelZoneFor(range, spans), 'Movable'])];
}

/** The lowest kernel zone whose span the range touches, else Normal: near DMA32 memory a kernel block is DMA32. */
function kernelZoneFor(range: BlockSpan, spans: ZoneSpans): 'DMA' | 'DMA32' | 'Normal' {
  return (['DMA', 'DMA32'] as const).find((zone) => intersects(spans[zone], range)) ?? 'Normal';
}

function intersects(span: BlockSpan | undefined, range: BlockSpan): boolean {
  return span !== undefined && span.first <= range.last && range.first <= span.last;
}
