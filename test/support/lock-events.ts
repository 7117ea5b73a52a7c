/** Arbitrary histories of a lock table: requests, releases, ends of runs, recoveries; doubled, late and out of order. */
import fc from 'fast-check';
import type { LockEvent } from '../../src/kernel/lock-request.ts';
import type { WantedLock } from '../../src/kernel/lock.ts';
import { requestOf } from './lock-play.ts';

export const LOCK_NAMES = ['D', 'M', 'L/1', 'L/2'];

const runIds = fc.constantFrom('a', 'b', 'c', 'd');
const requestIds = fc.tuple(runIds, fc.integer({ min: 1, max: 4 })).map(([run, n]) => `${run}/${String(n)}`);
const wanted = fc.record({
  name: fc.constantFrom(...LOCK_NAMES),
  mode: fc.constantFrom<WantedLock['mode'][]>('read', 'write'),
});
const lists = fc.uniqueArray(wanted, { minLength: 1, maxLength: 3, selector: ({ name }) => name });
const manner = fc.record(
  {
    causedBy: runIds.map((run) => `wf-${run}`),
    deadlineMs: fc.integer({ min: 1, max: 40 }),
    tryLock: fc.constant(true),
  },
  { requiredKeys: [] },
);

const request = fc.tuple(requestIds, lists, manner).map(([id, locks, how]) => requestOf(id, locks, how));
const calm = fc.tuple(requestIds, lists).map(([id, locks]) => requestOf(id, locks));

const bodies = fc.oneof(
  { weight: 6, arbitrary: calm },
  { weight: 2, arbitrary: request },
  { weight: 3, arbitrary: requestIds.map((id) => ({ kind: 'release' as const, id })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(requestIds, fc.subarray(LOCK_NAMES, { minLength: 1 }))
      .map(([id, names]) => ({ kind: 'release' as const, id, names })),
  },
  { weight: 1, arbitrary: requestIds.map((id) => ({ kind: 'undeliverable' as const, id })) },
  { weight: 1, arbitrary: runIds.map((runId) => ({ kind: 'closed' as const, runId })) },
  { weight: 1, arbitrary: runIds.map((runId) => ({ kind: 'settled' as const, runId })) },
  { weight: 1, arbitrary: fc.constant({ kind: 'expire' as const }) },
  { weight: 1, arbitrary: requestIds.map((id) => ({ kind: 'suspect' as const, id, reason: 'silent' })) },
  { weight: 1, arbitrary: fc.constant({ kind: 'open' as const, epoch: 0 }) },
);

/** A table is opened first, and again in ever higher epochs; time goes on by 1 ms an event. */
export const lockHistories: fc.Arbitrary<readonly LockEvent[]> = fc
  .array(bodies, { maxLength: 40 })
  .map((events) =>
    [{ kind: 'open' as const, epoch: 1 }, ...events].map((event, index) =>
      event.kind === 'open' ? { ...event, epoch: index + 1, nowMs: index } : { ...event, nowMs: index },
    ),
  );
