/**
 * A copy of /sys/devices/system/memory in plain files, for tests: what the machine itself has is never written. A plain
 * file keeps the word that was written to it (`online_movable`), where the kernel shows `online` and the zone next to it.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseBlockRanges } from '../../src/contract/block-ranges.ts';

/** Blocks that agree in all but their id. */
export interface SysfsTreeBlocks {
  /** As lsmem writes it: `0-6`. */
  readonly range: string;
  /** Content of `state`; `online` when unset. */
  readonly state?: string;
  /** Content of `valid_zones`; as the kernel's for a block of Normal or, where offline, of either zone. */
  readonly validZones?: string;
  /** 0 when unset. */
  readonly numaNode?: number;
}

export interface SysfsTreeOptions {
  readonly blocks: readonly SysfsTreeBlocks[];
  /** 128 MiB when unset. */
  readonly blockSizeBytes?: number;
  /** Content of `auto_online_blocks`, `offline` when unset; null: there is no such file. */
  readonly autoOnlineBlocks?: string | null;
  /** Whether there is a `probe` file: memory can be added by hand. */
  readonly probe?: boolean;
  /** Content of `bootIdFile`. */
  readonly bootId?: string;
}

export interface SysfsTree {
  /** What stands for /sys/devices/system/memory. */
  readonly root: string;
  /** What stands for /proc/sys/kernel/random/boot_id. */
  readonly bootIdFile: string;
  /** Writes `state` of a block, as somebody does by hand. */
  write(blockId: number, state: string): void;
  /** `state` of a block, trimmed. */
  read(blockId: number): string;
  /** Writes a file below `root`: `auto_online_blocks`, `memory3/valid_zones`. */
  writeFile(path: string, content: string): void;
  /** A file below `root`, trimmed. */
  readFile(path: string): string;
  /** Makes the device of a block, as the kernel does when memory is added behind our back. */
  plug(blocks: SysfsTreeBlocks): void;
  /** Takes the device of a block away. */
  unplug(blockId: number): void;
  remove(): void;
}

const DEFAULT_BLOCK_SIZE_BYTES = 128 * 2 ** 20;
const BOOT_ID = '11111111-2222-4333-8444-555555555555';

export function createSysfsTree(options: SysfsTreeOptions): SysfsTree {
  const { blocks, blockSizeBytes = DEFAULT_BLOCK_SIZE_BYTES, autoOnlineBlocks = 'offline', probe } = options;
  const directory = mkdtempSync(join(tmpdir(), 'memhp-sysfs-'));
  const root = join(directory, 'devices', 'system', 'memory');
  const bootIdFile = join(directory, 'boot_id');
  mkdirSync(root, { recursive: true });
  const writeFile = (path: string, content: string): void => {
    writeFileSync(join(root, path), `${content}\n`);
  };
  const readFile = (path: string): string => readFileSync(join(root, path), 'utf8').trim();
  writeFileSync(bootIdFile, `${options.bootId ?? BOOT_ID}\n`);
  writeFile('block_size_bytes', blockSizeBytes.toString(16));
  if (autoOnlineBlocks !== null) writeFile('auto_online_blocks', autoOnlineBlocks);
  if (probe) writeFile('probe', '');
  const plug = (more: SysfsTreeBlocks): void => {
    for (const blockId of parseBlockRanges(more.range)) plugBlock(root, blockId, more);
  };
  for (const each of blocks) plug(each);
  return {
    root,
    bootIdFile,
    write: (blockId, state) => {
      writeFile(`memory${String(blockId)}/state`, state);
    },
    read: (blockId) => readFile(`memory${String(blockId)}/state`),
    writeFile,
    readFile,
    plug,
    unplug: (blockId) => {
      rmSync(join(root, `memory${String(blockId)}`), { recursive: true });
    },
    remove: () => {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The same tree below `folder`, without a place yet: files and symbolic links by path. */
export function describeTree(
  { blocks, blockSizeBytes = DEFAULT_BLOCK_SIZE_BYTES }: Pick<SysfsTreeOptions, 'blocks' | 'blockSizeBytes'>,
  folder: string,
): { readonly files: Record<string, string>; readonly links: Record<string, string> } {
  const files: Record<string, string> = {
    [`${folder}/block_size_bytes`]: `${blockSizeBytes.toString(16)}\n`,
    [`${folder}/auto_online_blocks`]: 'offline\n',
  };
  const links: Record<string, string> = {};
  for (const each of blocks) {
    for (const blockId of parseBlockRanges(each.range)) {
      const block = `${folder}/memory${String(blockId)}`;
      for (const [name, content] of attributesOf(blockId, each)) files[`${block}/${name}`] = `${content}\n`;
      links[`${block}/${numaLink(each)}`] = `../../node/${numaLink(each)}`;
    }
  }
  return { files, links };
}

function plugBlock(root: string, blockId: number, blocks: SysfsTreeBlocks): void {
  const block = join(root, `memory${String(blockId)}`);
  const node = numaLink(blocks);
  mkdirSync(block);
  mkdirSync(join(root, '..', 'node', node), { recursive: true });
  symlinkSync(join('..', '..', 'node', node), join(block, node));
  for (const [name, content] of attributesOf(blockId, blocks)) writeFileSync(join(block, name), `${content}\n`);
}

function numaLink({ numaNode = 0 }: SysfsTreeBlocks): string {
  return `node${String(numaNode)}`;
}

/** The files that Linux 6.12 shows of a block, `state` last: a device without it is no block yet. */
function attributesOf(blockId: number, blocks: SysfsTreeBlocks): readonly (readonly [name: string, content: string])[] {
  const { state = 'online' } = blocks;
  const { validZones = state === 'offline' ? 'Normal Movable' : 'Normal' } = blocks;
  return Object.entries({
    phys_index: blockId.toString(16).padStart(8, '0'),
    phys_device: '0',
    removable: '1',
    valid_zones: validZones,
    state,
  });
}
