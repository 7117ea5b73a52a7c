/**
 * Makes the next write to a file last, as an offline on a real node does: by a lease (fcntl(2), F_SETLEASE), which lets
 * open(2) for writing wait in the kernel, interruptibly, while others read. The kernel itself ends that after 45 s.
 */
import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';

const fcntl = koffi.load(null).func('int fcntl(int descriptor, int command, ...)') as (...args: unknown[]) => number;
/** From fcntl.h of Linux. */
const F_SETLEASE = 1024;
const F_GETLEASE = 1025;
const F_RDLCK = 0;
const F_UNLCK = 2;

export interface SlowWrite {
  /** Whether somebody waits to write. */
  isUnderWay(): boolean;
  /** Lets that go on. Idempotent. */
  finish(): void;
}

export function slowWrite(file: string): SlowWrite {
  // How the kernel tells the owner that somebody waits; unhandled it would end this process.
  process.on('SIGIO', ignore);
  let descriptor: number | undefined = openSync(file, 'r');
  if (fcntl(descriptor, F_SETLEASE, 'int', F_RDLCK) !== 0)
    throw new Error(`no lease on ${file}: errno ${String(koffi.errno())}`);
  return {
    isUnderWay: () => descriptor !== undefined && fcntl(descriptor, F_GETLEASE) === F_UNLCK,
    finish: () => {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
      process.off('SIGIO', ignore);
    },
  };
}

function ignore(): void {
  // The handler itself is what is needed.
}
