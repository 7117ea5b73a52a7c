/** Stands in for src/kernel/lock-table.ts in the bundle of a mutant; see mutant-bundle.ts, which also replaces `none`. */
import type * as lockTable from '../../../src/kernel/lock-table.ts';
import {
  applyLockEvent as realApply,
  awaitedHolders,
  awaitedRuns,
  EMPTY_LOCK_TABLE,
  nextDeadlineMs,
  waitingSinceMs,
} from '../../../src/kernel/lock-table.ts';
import { mutate } from './none.ts';

export const applyLockEvent = mutate(realApply);
export { awaitedHolders, awaitedRuns, EMPTY_LOCK_TABLE, nextDeadlineMs, waitingSinceMs };

/** What is missing here would fail in the sandbox only, where the mutant would seem to be caught by nothing. */
export const complete = {
  applyLockEvent,
  awaitedHolders,
  awaitedRuns,
  EMPTY_LOCK_TABLE,
  nextDeadlineMs,
  waitingSinceMs,
} satisfies typeof lockTable;
