/** What a failed write comes to: the errno by its name, and a reason that fits the system call which failed. */
import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import fc from 'fast-check';
import { writeFailure } from '../../src/drivers/sysfs/step-verdict.ts';
import { errnoOf } from '../../src/drivers/sysfs/system-error.ts';
import { ERRNO, type Errno } from '../../src/kernel/errno.ts';

const NAMES = Object.keys(ERRNO) as Errno[];

describe('a write that failed', () => {
  it('has the name of its errno, whatever libuv calls the number', () => {
    const name = fc.constantFrom(...NAMES);
    const calledByLibuv = fc.constantFrom('UNKNOWN', undefined);
    fc.assert(
      fc.property(name, calledByLibuv, (errno, called) => {
        const code = called ?? `Unknown system error -${String(ERRNO[errno])}`;
        assert.equal(errnoOf(Object.assign(new Error(code), { code, errno: -ERRNO[errno] })), errno);
      }),
    );
    assert.equal(errnoOf(new Error('of no system call')), 'EIO');
    assert.throws(
      () => openSync('/nonexistent', 'r'),
      (error) => errnoOf(error) === 'ENOENT',
    );
  });

  const messageOf = (errno: string, call?: 'open' | 'write'): string => {
    const result = writeFailure('writing', { errno, isResumed: false, ...(call ? { call } : {}) });
    return result?.ok === false ? `${result.errno}: ${result.message}` : '';
  };

  it('for want of rights points to the page about them only if open(2) failed', () => {
    for (const errno of ['EACCES', 'EPERM', 'EROFS']) {
      assert.match(messageOf(errno, 'open'), new RegExp(`^${errno}: .*docs/sysfs.md`));
      assert.doesNotMatch(messageOf(errno, 'write'), /docs\/sysfs.md/);
      assert.doesNotMatch(messageOf(errno), /docs\/sysfs.md/);
    }
    assert.match(messageOf('EPERM', 'write'), /notifier inside the kernel vetoed it/);
  });

  it('is of a device that has gone only if it could not be opened', () => {
    assert.match(messageOf('ENOENT', 'open'), /^ENODEV/);
    assert.match(messageOf('ENOENT', 'write'), /^ENOENT/);
  });
});
