/** The text of the files that a capture is made of. Reading only; nothing is ever opened for writing. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseBlockName, parseBlockState } from '../block-attributes.ts';

export interface SysfsSnapshot {
  /** Hexadecimal, without 0x. */
  readonly blockSizeBytes: string;
  readonly autoOnlineBlocks?: string;
  readonly blocks: readonly SysfsBlock[];
  /** /proc/zoneinfo, where it could be read. */
  readonly zoneinfo?: string;
}

export interface SysfsBlock {
  /** `memory32` */
  readonly name: string;
  readonly state: string;
  /** Of blocks that are not offline. */
  readonly validZones?: string;
  readonly removable?: string;
  /** What else is in its directory, such as links to NUMA nodes. */
  readonly entries: readonly string[];
}

export const MEMORY_SYSFS = '/sys/devices/system/memory';
export const ZONEINFO = '/proc/zoneinfo';

/** Throws an Error that says what is missing when `root` is not a memory directory of sysfs. */
export function readSysfs(root: string, zoneinfoFile: string): SysfsSnapshot {
  const blockSizeBytes = readIfThere(join(root, 'block_size_bytes'));
  if (blockSizeBytes === undefined) {
    throw new Error(
      `${root}/block_size_bytes does not exist: this kernel has no memory hotplug, or name its sysfs with --sysfs`,
    );
  }
  const blocks = readdirSync(root).filter((name) => parseBlockName(name) !== undefined);
  const autoOnlineBlocks = readIfThere(join(root, 'auto_online_blocks'));
  const zoneinfo = readIfThere(zoneinfoFile);
  return {
    blockSizeBytes,
    ...(autoOnlineBlocks === undefined ? {} : { autoOnlineBlocks }),
    blocks: blocks.map((name) => readBlock(root, name)),
    ...(zoneinfo === undefined ? {} : { zoneinfo }),
  };
}

function readBlock(root: string, name: string): SysfsBlock {
  const directory = join(root, name);
  const state = readFileSync(join(directory, 'state'), 'utf8');
  // Linux 6.12 must not be asked for the zones of a block that is being added; all that is not offline has been added.
  const validZones = parseBlockState(state) === 'offline' ? undefined : readIfThere(join(directory, 'valid_zones'));
  const removable = readIfThere(join(directory, 'removable'));
  return {
    name,
    state,
    ...(validZones === undefined ? {} : { validZones }),
    ...(removable === undefined ? {} : { removable }),
    entries: readdirSync(directory),
  };
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
