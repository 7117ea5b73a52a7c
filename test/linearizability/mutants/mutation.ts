/** A way to make the lock table wrong. */
import type { applyLockEvent } from '../../../src/kernel/lock-table.ts';

type Apply = typeof applyLockEvent;

export type Mutation = (apply: Apply) => Apply;
