import assert from 'node:assert/strict';
import { constants } from 'node:os';
import fc from 'fast-check';
import { ERRNO, errnoName, isErrno } from '../../src/kernel/errno.ts';

describe('errno', () => {
  it('has the numbers of this Linux wherever Node knows the name', function () {
    if (process.platform !== 'linux') this.skip();
    const known: Readonly<Record<string, number>> = constants.errno;
    const shared = Object.entries(ERRNO).filter(([name]) => name in known);
    assert.ok(shared.length >= 15, 'most names are also Node names');
    for (const [name, number] of shared) assert.equal(number, known[name], name);
  });

  it('takes every name there and back, so no number stands twice', () => {
    for (const [name, number] of Object.entries(ERRNO)) assert.equal(errnoName(number), name);
  });

  it('knows no other number and no other word', () => {
    const numbers = new Set<number>(Object.values(ERRNO));
    fc.assert(
      fc.property(fc.integer({ min: -4095, max: 4095 }), (number) => {
        assert.equal(errnoName(number) !== undefined, numbers.has(number));
      }),
    );
    for (const word of ['', 'ebusy', 'EBUSY ', 'toString', '__proto__']) assert.ok(!isErrno(word), word);
  });
});
