/** What becomes of a signal that is none. */
import { log } from '@temporalio/workflow';
import { ApplicationFailure } from '@temporalio/common';
import type { Malformed } from '../src/contract/read-message.ts';

/** Undefined, and a warning, where a signal was not understood: a handler that threw would fail the workflow task for ever. */
export function orDropped<T extends object>(signal: string, read: T | Malformed): T | undefined {
  if (!('malformed' in read)) return read;
  log.warn('a signal was dropped: it is not what its receiver understands', { signal, detail: read.malformed });
  return undefined;
}

/** Throws, for whoever sent an update, where it was not understood. */
export function orRejected<T extends object>(read: T | Malformed): T {
  if ('malformed' in read) throw ApplicationFailure.nonRetryable(`not understood: ${read.malformed}`, 'Malformed');
  return read;
}
