import assert from 'node:assert/strict';
import { constants } from 'node:os';
import fc from 'fast-check';
import { ERRNO, errnoName, HOTPLUG_ERRNOS, isErrno, parseErrno } from '../../src/kernel/errno.ts';

describe('errno', () => {
  it('has every name of this Linux that Node knows, with its number', function () {
    if (process.platform !== 'linux') this.skip();
    const known = Object.entries(constants.errno);
    assert.ok(known.length > 70);
    for (const [name, number] of known) {
      const errno = parseErrno(name);
      assert.ok(errno, name);
      assert.equal(ERRNO[errno], number, name);
    }
  });

  it('has every number up to EHWPOISON but the two that the kernel left out', () => {
    const numbers = Array.from({ length: ERRNO.EHWPOISON }, (_, at) => at + 1).filter(
      (number) => ![41, 58].includes(number),
    );
    assert.deepEqual(
      Object.values(ERRNO).sort((a, b) => a - b),
      numbers,
    );
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
    for (const word of ['', 'ebusy', 'EBUSY ', 'toString', '__proto__']) {
      assert.ok(!isErrno(word), word);
      assert.equal(parseErrno(word), undefined, word);
    }
  });

  it('takes a second name for the first one', () => {
    assert.deepEqual(['EWOULDBLOCK', 'EDEADLOCK', 'ENOTSUP', 'EBUSY'].map(parseErrno), [
      'EAGAIN',
      'EDEADLK',
      'EOPNOTSUPP',
      'EBUSY',
    ]);
  });

  it('has those of memory hotplug in it, each once', () => {
    assert.equal(new Set(HOTPLUG_ERRNOS).size, HOTPLUG_ERRNOS.length);
    for (const name of HOTPLUG_ERRNOS) assert.ok(isErrno(name), name);
  });
});
