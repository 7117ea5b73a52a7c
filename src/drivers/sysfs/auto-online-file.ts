/** The file `auto_online_blocks`: what the kernel does with blocks that are added from now on. */
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { AutoOnlineBlocks } from '../../contract/memory-driver.ts';
import { isOnlineType, type RequestedState } from '../../kernel/memory-block.ts';

/** The kernel sets a variable and takes no lock, so that no process of its own is needed for the write. */
export function autoOnlineFile(sysfsRoot: string): AutoOnlineBlocks {
  const file = join(sysfsRoot, 'auto_online_blocks');
  return {
    read: () => Promise.resolve(readWord(file)),
    write: (value) =>
      Promise.resolve().then(() => {
        writeWord(file, value);
      }),
  };
}

function readWord(file: string): RequestedState | undefined {
  try {
    const word = readFileSync(file, 'utf8').trim();
    return word === 'offline' || isOnlineType(word) ? word : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function writeWord(file: string, word: RequestedState): void {
  const descriptor = openSync(file, constants.O_WRONLY | constants.O_TRUNC);
  try {
    writeSync(descriptor, word);
  } finally {
    closeSync(descriptor);
  }
  const found = readWord(file);
  if (found !== word) throw new Error(`${file} reads ${found ?? 'something else'} after ${word} was written`);
}
