/**
 * The memory blocks as sysfs shows them right now. Reads are synchronous: an attribute is a few words made by the kernel at
 * the moment of the read, without a lock, and all blocks of a node are then of one moment.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onlineZone, parseBlockName, parseBlockSize, parseBlockState } from '../block-attributes.ts';
import { parseNumaNode, parseZones } from '../block-attributes.ts';
import type { ViewedBlock } from '../node-view.ts';
import type { Zone } from '../../kernel/zone.ts';

export interface BlockAttributes extends ViewedBlock {
  /** As `valid_zones` lists them; empty where there is no such file. */
  readonly validZones: readonly Zone[];
}

/** A file of a device that is being removed answers so, if it is still there. */
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ENODEV', 'ENXIO']);

export class SysfsMemory {
  readonly root: string;
  readonly blockSizeBytes: number;
  /** By block id. A device keeps its NUMA node, so the directory is listed once. */
  readonly #numaNodes = new Map<number, number>();
  /** By block id. While a block is going offline, `valid_zones` tells what it could become instead of what it is. */
  readonly #onlineZones = new Map<number, Zone>();

  /** Throws an Error that says what is missing where `root` is no memory directory of sysfs. */
  constructor(root: string) {
    const size = readIfThere(join(root, 'block_size_bytes'));
    if (size === undefined) {
      throw new Error(
        `${root}/block_size_bytes does not exist: this kernel has no memory hotplug, or name its sysfs with --sysfs-root`,
      );
    }
    this.root = root;
    this.blockSizeBytes = parseBlockSize(size);
  }

  /** Path of a file of a block: `state`. */
  blockFile(blockId: number, attribute: string): string {
    return join(this.root, `memory${String(blockId)}`, attribute);
  }

  blockIds(): readonly number[] {
    return readdirSync(this.root).flatMap((name) => parseBlockName(name) ?? []);
  }

  blocks(): Readonly<Record<number, BlockAttributes>> {
    return Object.fromEntries(
      this.blockIds().flatMap((blockId) => {
        const block = this.block(blockId);
        return block ? [[blockId, block] as const] : [];
      }),
    );
  }

  /** Undefined where there is no such block. */
  block(blockId: number): BlockAttributes | undefined {
    const text = readIfThere(this.blockFile(blockId, 'state'));
    if (text === undefined) {
      this.#numaNodes.delete(blockId);
      this.#onlineZones.delete(blockId);
      return undefined;
    }
    const state = parseBlockState(text);
    const validZones = parseZones(readIfThere(this.blockFile(blockId, 'valid_zones')) ?? '');
    const zone = this.#zone(blockId, state, text, validZones);
    const numaNode = this.#numaNode(blockId);
    return {
      state,
      validZones,
      ...(zone === undefined ? {} : { zone }),
      ...(numaNode === undefined ? {} : { numaNode }),
    };
  }

  #zone(blockId: number, state: ViewedBlock['state'], text: string, validZones: readonly Zone[]): Zone | undefined {
    if (state === 'going-offline') return this.#onlineZones.get(blockId);
    const zone = state === 'online' ? onlineZone(text, validZones) : undefined;
    if (zone === undefined) this.#onlineZones.delete(blockId);
    else this.#onlineZones.set(blockId, zone);
    return zone;
  }

  #numaNode(blockId: number): number | undefined {
    const known = this.#numaNodes.get(blockId);
    if (known !== undefined) return known;
    const found = parseNumaNode(listIfThere(this.blockFile(blockId, '')));
    if (found !== undefined) this.#numaNodes.set(blockId, found);
    return found;
  }
}

function readIfThere(file: string): string | undefined {
  return ifThere(() => readFileSync(file, 'utf8'));
}

function listIfThere(directory: string): readonly string[] {
  return ifThere(() => readdirSync(directory)) ?? [];
}

function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (GONE.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
