/**
 * A program: one open(2) and one write(2), in a process that can be killed while the kernel is at work. Arguments: FILE
 * TEXT. Begins when a byte comes from standard input, and not at all if that ends before: the agent died before it could
 * record this process. Prints the outcome as JSON, `{}` or `{"errno":"EBUSY","call":"write"}`.
 *
 * It has no signal handlers on purpose: libuv repeats a write(2) that a handled signal interrupted, which would start the
 * offline anew.
 */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import type { WriteEnd } from './attribute-writer.ts';
import { errnoOf } from './system-error.ts';

const [, , file = '', text = ''] = process.argv;
if (readSync(0, Buffer.alloc(1)) === 1) writeSync(1, JSON.stringify(writeAttribute()));

function writeAttribute(): WriteEnd {
  let call: WriteEnd['call'] = 'open';
  try {
    // sysfs does not mind O_TRUNC, and a plain file of a copied tree needs it.
    const descriptor = openSync(file, constants.O_WRONLY | constants.O_TRUNC);
    try {
      call = 'write';
      return writeSync(descriptor, text) === text.length ? {} : { errno: 'EIO', call };
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return { errno: errnoOf(error), call };
  }
}
