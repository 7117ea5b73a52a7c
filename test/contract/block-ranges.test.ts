import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BLOCKS_MAX, formatBlockRanges, parseBlockRanges } from '../../src/contract/block-ranges.ts';

const ids = fc.array(fc.nat({ max: 400 }), { maxLength: 60 });

describe('block ranges', () => {
  it('name the same set after a round trip, ascending and without duplicates', () => {
    fc.assert(
      fc.property(ids, (given) => {
        const set = [...new Set(given)].sort((a, b) => a - b);
        assert.deepEqual(parseBlockRanges(formatBlockRanges(given)), set);
      }),
    );
  });

  it('are the shortest text: no two ranges touch', () => {
    fc.assert(
      fc.property(ids, (given) => {
        const ends = formatBlockRanges(given)
          .split(',')
          .map((range) => range.split('-').map(Number));
        for (const [at, next] of ends.slice(1).entries()) assert.ok(next[0]! > ends[at]!.at(-1)! + 1);
      }),
    );
  });

  it('are written as lsmem writes them', () => {
    assert.equal(formatBlockRanges([32, 0, 1, 2, 2]), '0-2,32');
    assert.equal(formatBlockRanges([]), '');
    assert.deepEqual(parseBlockRanges(' 7 , 1-3,'), [1, 2, 3, 7]);
  });

  for (const bad of ['3-1', 'a', '1-', '-1', '1.5', '0x20', '1 2', '0-131072', '99999999999999999999']) {
    it(`refuse ${bad} and quote it`, () => {
      assert.throws(() => parseBlockRanges(`4,${bad}`), { name: 'RangeError', message: new RegExp(`"${bad}"`) });
    });
  }

  it('refuse a set that is too large only as a whole', () => {
    assert.throws(() => parseBlockRanges(`0-${String(BLOCKS_MAX - 1)},200000-200001`), /names more than 131072 blocks/);
  });
});
