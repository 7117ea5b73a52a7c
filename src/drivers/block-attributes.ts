/** What the attributes of a memory block mean, as drivers/base/memory.c prints them (v6.12). */
import type { MemoryBlockState } from '../kernel/memory-block.ts';
import { isZone, type Zone } from '../kernel/zone.ts';

const BLOCK_NAME = /^memory(\d+)$/;
const NODE_LINK = /^node(\d+)$/;

/** The block id in a name such as `memory32`; undefined when it is none. */
export function parseBlockName(name: string): number | undefined {
  const id = BLOCK_NAME.exec(name)?.[1];
  return id === undefined ? undefined : Number(id);
}

/** `block_size_bytes`: hexadecimal without 0x. Throws an Error that quotes what cannot be understood. */
export function parseBlockSize(text: string): number {
  const bytes = Number.parseInt(text.trim(), 16);
  if (!(bytes > 0)) throw new Error(`block_size_bytes reads "${text.trim()}", which is not a hexadecimal size`);
  return bytes;
}

/**
 * `state`. A copied tree keeps the word that was written to it, such as online_movable, which a kernel never shows. What is
 * no word of the kernel counts as online: memory that may be in use. Throws an Error where there is no word at all: a plain
 * file is empty while somebody writes it.
 */
export function parseBlockState(text: string): Exclude<MemoryBlockState, 'absent'> {
  const word = text.trim();
  if (word === '') throw new Error('the state of a memory block is empty: somebody is writing it, look again');
  return word === 'offline' || word === 'going-offline' ? word : 'online';
}

/** The words of `valid_zones`, in their order; old kernels and the documentation write `None`. */
export function parseZones(text: string): readonly Zone[] {
  const words = text
    .trim()
    .split(/\s+/)
    .map((word) => (word === 'None' ? 'none' : word));
  return words.filter(isZone);
}

/**
 * Zone of an online block. `valid_zones` is one word then. Where it lists several, it tells what the block could become: in
 * a copied tree the word in `state` decides, on a kernel before 4.13 the first is the block's. Of a block that is going
 * offline it tells nothing then.
 */
export function onlineZone(state: string, validZones: readonly Zone[]): Zone | undefined {
  if (validZones.length < 2) return validZones[0];
  if (state.trim() === 'going-offline') return undefined;
  return zoneOffered(state.trim(), validZones);
}

/** The zone in which an offline block comes online when `word` is written to its `state`; undefined: in none of these. */
export function zoneOffered(word: string, validZones: readonly Zone[]): Zone | undefined {
  if (word === 'online_movable') return validZones.find((zone) => zone === 'Movable');
  if (word === 'online_kernel') return validZones.find((zone) => zone !== 'Movable' && zone !== 'none');
  return validZones[0];
}

/** The lowest NUMA node among the entries of a block's directory. A block of several nodes has several links. */
export function parseNumaNode(entries: readonly string[]): number | undefined {
  const nodes = entries.flatMap((entry) => NODE_LINK.exec(entry)?.slice(1) ?? []).map(Number);
  return nodes.length === 0 ? undefined : Math.min(...nodes);
}
