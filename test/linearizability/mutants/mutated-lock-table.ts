/** Stands in for src/kernel/lock-table.ts in the bundle of a mutant; see mutant-bundle.ts, which also replaces `none`. */
import { applyLockEvent as realApply } from '../../../src/kernel/lock-table.ts';
import { mutate } from './none.ts';

export { awaitedRuns, EMPTY_LOCK_TABLE, nextDeadlineMs, waitingSinceMs } from '../../../src/kernel/lock-table.ts';

export const applyLockEvent = mutate(realApply);
