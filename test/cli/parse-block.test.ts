import assert from 'node:assert/strict';
import { parseBlock } from '../../src/cli/parse-block.ts';

describe('parseBlock', () => {
  it('reads node NAME block ID', () => {
    assert.deepEqual(parseBlock(['node', 'worker-1', 'block', '32']), { node: 'worker-1', blockId: 32 });
    assert.deepEqual(parseBlock(['node', 'node', 'block', '0']), { node: 'node', blockId: 0 });
  });

  for (const words of ['worker-1 32', 'node worker-1', 'block 32 node worker-1', 'node worker-1 block 32 33']) {
    it(`shows how to write it instead of "${words}"`, () => {
      assert.throws(() => parseBlock(words.split(' ')), /names no block; write node NAME block ID/);
    });
  }

  for (const id of ['memory32', '-1', '032', '0x20', '1.5', '268435456']) {
    it(`refuses ${id} as a number of a block`, () => {
      assert.throws(() => parseBlock(['node', 'worker-1', 'block', id]), new RegExp(`"${id}" is no number`));
    });
  }
});
