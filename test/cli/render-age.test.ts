import assert from 'node:assert/strict';
import { renderAge } from '../../src/cli/render-age.ts';

const S = 1_000;
const M = 60 * S;
const H = 60 * M;
const D = 24 * H;

describe('renderAge', () => {
  const cases: readonly [number, string][] = [
    [-5 * S, '0s'],
    [999, '0s'],
    [12 * S, '12s'],
    [2 * M - 1, '119s'],
    [2 * M, '2m'],
    [3 * M + 20 * S, '3m20s'],
    [42 * M + 9 * S, '42m'],
    [2 * H + 59 * M, '179m'],
    [5 * H + 10 * M, '5h10m'],
    [30 * H + 10 * M, '30h'],
    [3 * D + 4 * H, '3d4h'],
    [90 * D + 4 * H, '90d'],
  ];
  for (const [ageMs, text] of cases)
    it(`shows ${String(ageMs)} ms as kubectl does: ${text}`, () => assert.equal(renderAge(ageMs), text));
});
