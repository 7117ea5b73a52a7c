/** Sets of memory block ids, written like lsmem writes them: `0-6,32`. Inclusive ends. */

const RANGE = /^(\d+)(?:-(\d+))?$/;
/** The most blocks one range set may name: 16 TiB of 128 MiB blocks. A larger set is a typing error. */
export const BLOCKS_MAX = 131_072;
/** 2^64 bytes of the smallest block (a 2^24-byte section). A larger id is no block of any machine. */
const BLOCK_ID_MAX = 2 ** 40 - 1;

/** Ids named by `text`, ascending and without duplicates. Throws a RangeError that quotes the part that is wrong. */
export function parseBlockRanges(text: string): readonly number[] {
  const ids = new Set<number>();
  for (const part of text.split(',').map((piece) => piece.trim())) {
    if (part === '') continue;
    const match = RANGE.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || last < first || last > BLOCK_ID_MAX || last - first >= BLOCKS_MAX) {
      throw new RangeError(`"${part}" is not a block range; write one like 0-6 or 32`);
    }
    for (let id = first; id <= last; id++) ids.add(id);
    if (ids.size > BLOCKS_MAX)
      throw new RangeError(`"${text}" names more than ${String(BLOCKS_MAX)} blocks; name fewer`);
  }
  return [...ids].sort((a, b) => a - b);
}

/** The shortest text that names `ids`; the inverse of `parseBlockRanges`. */
export function formatBlockRanges(ids: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const id of [...new Set(ids)].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last?.[1] === id - 1) last[1] = id;
    else runs.push([id, id]);
  }
  return runs.map(([first, last]) => (first === last ? String(first) : `${String(first)}-${String(last)}`)).join(',');
}
