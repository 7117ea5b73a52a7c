/**
 * An activity that puts each question into a queue of its own and waits for the row that it has written: a question that is
 * there already writes none, and the answer never comes.
 */
import { once, EventEmitter } from 'node:events';
import type { MemoryNotify, NotifierAnswer } from '../../../../src/contract/notifier.ts';

/** `signal` ends what hangs, for a worker that has to end. */
export function hangsOnRepeat(signal: AbortSignal): (event: MemoryNotify) => Promise<NotifierAnswer> {
  const rows = new Set<string>();
  const inserted = new EventEmitter();
  return async ({ uid }) => {
    const answered = once(inserted, uid, { signal });
    if (!rows.has(uid)) {
      rows.add(uid);
      setImmediate(() => inserted.emit(uid));
    }
    await answered;
    return { result: 'NOTIFY_OK' };
  };
}
