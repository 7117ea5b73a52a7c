/** A memory block as people name it on the command line: `node worker-1 block 32`. */

export interface NamedBlock {
  readonly node: string;
  readonly blockId: number;
}

const BLOCK_ID = /^(?:0|[1-9]\d{0,8})$/;
/** As the schema of spec.blockId has it. */
const BLOCK_ID_MAX = 268_435_455;

/** Throws a RangeError that shows how to write it. */
export function parseBlock(words: readonly string[]): NamedBlock {
  const [nodeWord, node, blockWord, id, ...more] = words;
  if (nodeWord !== 'node' || node === undefined || blockWord !== 'block' || id === undefined || more.length > 0) {
    throw new RangeError(
      `"${words.join(' ')}" names no block; write node NAME block ID, such as node worker-1 block 32`,
    );
  }
  return { node, blockId: parseBlockId(id) };
}

/** Throws a RangeError that quotes what is no number of a block. */
export function parseBlockId(id: string): number {
  if (!BLOCK_ID.test(id) || Number(id) > BLOCK_ID_MAX) {
    throw new RangeError(`"${id}" is no number of a memory block; write the 32 of memory32`);
  }
  return Number(id);
}
