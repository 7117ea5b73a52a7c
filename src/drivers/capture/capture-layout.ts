/** Makes a layout of what sysfs says. */
import { formatBlockRanges } from '../../contract/block-ranges.ts';
import { formatBytes } from '../../contract/quantity.ts';
import { isOnlineType } from '../../kernel/memory-block.ts';
import { onlineZone, parseBlockName, parseBlockSize } from '../block-attributes.ts';
import { parseBlockState, parseNumaNode, parseZones } from '../block-attributes.ts';
import { LAYOUT_FORMAT, type LayoutBlocks, type MemoryLayout } from './memory-layout.ts';
import { MEMORY_SYSFS, readSysfs, ZONEINFO, type SysfsBlock, type SysfsSnapshot } from './sysfs-snapshot.ts';
import { parseZoneinfo } from './zoneinfo.ts';

export interface CaptureOptions {
  /** /sys/devices/system/memory when unset. */
  readonly sysfsRoot?: string;
  /** /proc/zoneinfo when unset. */
  readonly zoneinfoFile?: string;
  readonly now?: Date;
}

/** Reads this machine, or a copy of another's files. Throws an Error that says what is missing. */
export function captureLayout(options: CaptureOptions = {}): MemoryLayout {
  const { sysfsRoot = MEMORY_SYSFS, zoneinfoFile = ZONEINFO, now = new Date() } = options;
  return layoutOf(readSysfs(sysfsRoot, zoneinfoFile), now);
}

/** The layout that `snapshot` shows. Throws an Error that quotes the file which cannot be understood. */
export function layoutOf(snapshot: SysfsSnapshot, capturedAt: Date): MemoryLayout {
  const zones = snapshot.zoneinfo === undefined ? [] : parseZoneinfo(snapshot.zoneinfo);
  const autoOnline = snapshot.autoOnlineBlocks?.trim();
  return {
    format: LAYOUT_FORMAT,
    capturedAt: capturedAt.toISOString(),
    blockSize: formatBytes(parseBlockSize(snapshot.blockSizeBytes)),
    ...(autoOnline !== undefined && (autoOnline === 'offline' || isOnlineType(autoOnline))
      ? { autoOnlineBlocks: autoOnline }
      : {}),
    blocks: mergeBlocks(snapshot.blocks.map(parseBlock)),
    ...(zones.length === 0 ? {} : { zones }),
  };
}

type ParsedBlock = Omit<LayoutBlocks, 'range'> & { readonly blockId: number };

function parseBlock({ name, state, validZones = '', removable, entries }: SysfsBlock): ParsedBlock {
  const isOffline = parseBlockState(state) === 'offline';
  const zone = isOffline ? undefined : onlineZone(state, parseZones(validZones));
  return {
    blockId: parseBlockName(name) ?? -1,
    // A block that is going offline when the picture is taken is still online.
    state: isOffline ? 'offline' : 'online',
    ...(zone === undefined ? {} : { zone }),
    numaNode: parseNumaNode(entries) ?? 0,
    ...(removable === undefined ? {} : { removable: removable.trim() === '1' }),
  };
}

function mergeBlocks(blocks: readonly ParsedBlock[]): LayoutBlocks[] {
  const runs: { ids: number[]; like: Omit<LayoutBlocks, 'range'>; key: string }[] = [];
  for (const { blockId, ...like } of [...blocks].sort((one, other) => one.blockId - other.blockId)) {
    const key = JSON.stringify(like);
    const last = runs.at(-1);
    if (last?.key === key && last.ids.at(-1) === blockId - 1) last.ids.push(blockId);
    else runs.push({ ids: [blockId], like, key });
  }
  return runs.map(({ ids, like }) => ({ range: formatBlockRanges(ids), ...like }));
}
