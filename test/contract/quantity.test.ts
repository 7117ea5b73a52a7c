import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatAddress, formatBytes, parseBytes } from '../../src/contract/quantity.ts';

describe('quantity', () => {
  it('survives the round trip for every size below 8Pi', () => {
    fc.assert(
      fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (bytes) => {
        assert.equal(parseBytes(formatBytes(bytes)), bytes);
      }),
    );
  });

  it('survives the round trip for whole units, in that unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1023 }), fc.constantFrom('Ki', 'Mi', 'Gi', 'Ti'), (count, unit) => {
        assert.equal(formatBytes(parseBytes(`${String(count)}${unit}`)), `${String(count)}${unit}`);
      }),
    );
  });

  for (const [text, bytes] of [
    ['0', 0],
    ['128Mi', 134_217_728],
    ['1.5Gi', 1_610_612_736],
    ['129e6', 129_000_000],
    ['129E6', 129_000_000],
    ['1e-1', 1],
    ['1.1k', 1100],
    ['128974848000m', 128_974_848],
    ['1m', 1],
    ['1P', 1e15],
    ['7Pi', 7 * 2 ** 50],
    [' 2G ', 2e9],
  ] as const) {
    it(`reads ${text} as Kubernetes does`, () => {
      assert.equal(parseBytes(text), bytes);
    });
  }

  for (const bad of [
    '',
    '-1Gi',
    '1 Gi',
    '1GiB',
    '1gi',
    'Mi',
    '.',
    '1e',
    '1e6Mi',
    '1K',
    '0x10',
    'NaN',
    '8Pi',
    '1E',
    '1e99',
  ]) {
    it(`refuses ${bad || 'nothing'} and quotes it`, () => {
      assert.throws(
        () => parseBytes(bad),
        (error: unknown) => error instanceof RangeError && error.message.includes(`"${bad}"`),
      );
    });
  }

  it('writes addresses in hex', () => {
    assert.equal(formatAddress(2 ** 32), '0x100000000');
  });
});
