import assert from 'node:assert/strict';
import { commandOf, parseProcLocks } from '../../src/online-mems/flock-holders.ts';

describe('holders of a flock', () => {
  it('reads holders from /proc/locks, and leaves out waiters and other kinds of locks', () => {
    const text = [
      '1: POSIX  ADVISORY  WRITE 11 fe:00:100 0 EOF',
      '2: FLOCK  ADVISORY  READ  12 fe:00:100 0 EOF',
      '2: -> FLOCK  ADVISORY  WRITE 13 fe:00:100 0 EOF',
      '3: OFDLCK ADVISORY  READ  -1 fe:00:100 0 EOF',
      '4: FLOCK  ADVISORY  WRITE 14 08:11:42 0 EOF',
    ].join('\n');
    assert.deepEqual(parseProcLocks(text), [
      { pid: 12, inode: 100 },
      { pid: 14, inode: 42 },
    ]);
  });

  it('calls a Node process by its program, and says so of one that has ended', () => {
    assert.match(commandOf(process.pid), /^node /);
    assert.match(commandOf(2 ** 30), /has ended/);
  });
});
