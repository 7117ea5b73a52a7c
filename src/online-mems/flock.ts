/**
 * flock(2), which Node does not offer. Such a lock belongs to the open file description: it ends when the last
 * descriptor of that is closed, however its owner dies, and flock(1) sees it.
 */
import koffi from 'koffi';

/** From sys/file.h; the same on every system that has flock(2). */
const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;

const flock = koffi.load(null).func('int flock(int descriptor, int operation)') as (
  descriptor: number,
  operation: number,
) => number;

/** Takes the lock without waiting, and tells whether it did; changes the mode of one that this description holds. */
export function tryFlock(descriptor: number, mode: 'shared' | 'exclusive'): boolean {
  if (flock(descriptor, (mode === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB) === 0) return true;
  if (koffi.errno() === koffi.os.errno['EWOULDBLOCK']) return false;
  throw flockError();
}

export function unlock(descriptor: number): void {
  if (flock(descriptor, LOCK_UN) !== 0) throw flockError();
}

function flockError(): Error {
  const number = koffi.errno();
  const name = Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${String(number)}`;
  return Object.assign(new Error(`flock(2) failed with ${name}: is the file on a file system with flock?`), {
    code: name,
  });
}
