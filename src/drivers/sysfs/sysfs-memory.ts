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
import { ifThere, withAttribute, type OpenAttribute } from './open-attribute.ts';

export interface BlockAttributes extends ViewedBlock {
  /** As `valid_zones` lists them; empty where there is no such file, or it is too early to read it. */
  readonly validZones: readonly Zone[];
}

export type Blocks = Readonly<Record<number, BlockAttributes>>;

/** How often in a row an empty `state` is read before it counts as unreadable. */
const READS_OF_EMPTY_STATE = 10;

export class SysfsMemory {
  readonly root: string;
  readonly blockSizeBytes: number;
  /** By block id. A device keeps its NUMA node, so the directory of an online block is listed once. */
  readonly #numaNodes = new Map<number, number>();
  /** By block id. While a block is going offline, `valid_zones` tells what it could become instead of what it is. */
  readonly #onlineZones = new Map<number, Zone>();
  /** Whether this kernel links blocks to NUMA nodes at all. Unset: no block was there to tell by. */
  #linksNumaNodes: boolean | undefined;

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

  /** `unreadable` says what stands for a block that is there and cannot be read; undefined: it is left out. */
  blocks(unreadable: (blockId: number, error: unknown) => BlockAttributes | undefined): Blocks {
    const blocks: Record<number, BlockAttributes> = {};
    for (const blockId of this.blockIds()) {
      const block = this.#tryBlock(blockId, unreadable);
      if (block) blocks[blockId] = block;
    }
    return blocks;
  }

  /** Undefined where there is no such block. Throws where it cannot be read. */
  block(blockId: number): BlockAttributes | undefined {
    // Opened before anything is looked at: whatever is seen afterwards is of this device, or reading answers nothing.
    const found = withAttribute(this.blockFile(blockId, 'valid_zones'), (zones) => this.#look(blockId, zones));
    if (!found) {
      this.#numaNodes.delete(blockId);
      this.#onlineZones.delete(blockId);
    }
    return found;
  }

  #tryBlock(
    blockId: number,
    unreadable: (blockId: number, error: unknown) => BlockAttributes | undefined,
  ): BlockAttributes | undefined {
    try {
      return this.block(blockId);
    } catch (error) {
      return unreadable(blockId, error);
    }
  }

  #look(blockId: number, zones: OpenAttribute): BlockAttributes | undefined {
    const before = this.#readState(blockId);
    if (before === undefined) return undefined;
    const numaNode = this.#numaNode(blockId, before);
    // zone_for_pfn_range() of Linux 6.12 looks for the zones of node -1 otherwise.
    const isSafe = isOnline(before) || numaNode !== undefined || !this.#kernelLinksNumaNodes();
    const validZones = isSafe ? parseZones(zones.read() ?? '') : [];
    // Several zones of an online block: it may have begun to go offline between the two reads.
    const text = isOnline(before) && validZones.length > 1 ? this.#readState(blockId) : before;
    if (text === undefined) return undefined;
    const state = parseBlockState(text);
    const zone = this.#zone(blockId, state, text, validZones);
    return {
      state,
      validZones,
      ...(zone === undefined ? {} : { zone }),
      ...(numaNode === undefined ? {} : { numaNode }),
    };
  }

  /** A plain file of a copied tree is empty between the open(2) and the write(2) of who writes it. An attribute never is. */
  #readState(blockId: number): string | undefined {
    const file = this.blockFile(blockId, 'state');
    for (let reads = 1; ; reads++) {
      const text = readIfThere(file);
      if (text?.trim() !== '' || reads === READS_OF_EMPTY_STATE) return text;
    }
  }

  #zone(blockId: number, state: ViewedBlock['state'], text: string, validZones: readonly Zone[]): Zone | undefined {
    if (state === 'going-offline') return this.#onlineZones.get(blockId);
    const zone = state === 'online' ? onlineZone(text, validZones) : undefined;
    if (zone === undefined) this.#onlineZones.delete(blockId);
    // One of several is a guess, good enough for now but not to remember.
    else if (validZones.length === 1) this.#onlineZones.set(blockId, zone);
    return zone;
  }

  /**
   * Listed anew for as long as the block is not online: another device may have taken its place since the last look. The
   * kernel shows a device before it knows its NUMA node, links the two when it does, and brings no block online before.
   */
  #numaNode(blockId: number, state: string): number | undefined {
    const known = isOnline(state) ? this.#numaNodes.get(blockId) : undefined;
    if (known !== undefined) return known;
    const found = parseNumaNode(this.#entries(blockId));
    if (found !== undefined) this.#numaNodes.set(blockId, found);
    return found;
  }

  /** Blocks that the kernel booted with are linked before any process runs, and some of them are always there. */
  #kernelLinksNumaNodes(): boolean {
    if (this.#linksNumaNodes !== undefined) return this.#linksNumaNodes;
    const blockIds = this.blockIds();
    if (blockIds.length === 0) return true;
    this.#linksNumaNodes = blockIds.some((blockId) => parseNumaNode(this.#entries(blockId)) !== undefined);
    return this.#linksNumaNodes;
  }

  #entries(blockId: number): readonly string[] {
    return ifThere(() => readdirSync(this.blockFile(blockId, ''))) ?? [];
  }
}

function isOnline(state: string): boolean {
  return parseBlockState(state) === 'online';
}

function readIfThere(file: string): string | undefined {
  return ifThere(() => readFileSync(file, 'utf8'));
}
