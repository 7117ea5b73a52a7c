import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LockTable } from '../../src/kernel/lock-queue.ts';
import { LOCKS_MAX, REQUESTS_MAX } from '../../src/kernel/lock-refusal.ts';
import type { LockEffect, LockEvent } from '../../src/kernel/lock-request.ts';
import { applyLockEvent, EMPTY_LOCK_TABLE, nextDeadlineMs } from '../../src/kernel/lock-table.ts';
import { lockHistories } from '../support/lock-events.ts';
import { faultsOf, overtakings } from '../support/lock-oracle.ts';

interface Moment {
  readonly before: LockTable;
  readonly event: LockEvent;
  readonly table: LockTable;
  readonly effects: readonly LockEffect[];
}

function play(events: readonly LockEvent[]): readonly Moment[] {
  let before = EMPTY_LOCK_TABLE;
  return events.map((event) => {
    const applied = applyLockEvent(before, event);
    const moment = { before, event, ...applied };
    before = applied.table;
    return moment;
  });
}

function inEveryHistory(check: (moments: readonly Moment[]) => void): void {
  fc.assert(
    fc.property(lockHistories, (events) => check(play(events))),
    { numRuns: 300 },
  );
}

function atEveryMoment(check: (moment: Moment) => void): void {
  inEveryHistory((moments) => moments.forEach(check));
}

describe('lock table, for any history', () => {
  it('writers are alone, nobody waits in vain or in a cycle, and closed runs wait for nothing', () => {
    atEveryMoment(({ table }) => assert.deepEqual(faultsOf(table), []));
  });

  it('no request overtakes an earlier one that excludes it', () => {
    atEveryMoment(({ before, table, event }) => {
      if (event.kind !== 'open') assert.deepEqual(overtakings(before, table), []);
    });
  });

  it('every token is higher than all before it, through renewals too', () => {
    inEveryHistory((moments) => {
      let highest = 0;
      for (const { before, table, event } of moments) {
        const old = new Set(before.requests.flatMap(({ held }) => held.map(({ token }) => token)));
        const tokens = table.requests.flatMap(({ held }) => held.map(({ token }) => token));
        const isRenewed = event.kind === 'open' && event.epoch !== before.epoch;
        for (const token of tokens) assert.ok((!isRenewed && old.has(token)) || token > highest, event.kind);
        highest = Math.max(highest, ...tokens);
      }
    });
  });

  it('every request waits, holds all that it asked for, or was answered or withdrawn; it is answered once', () => {
    inEveryHistory((moments) => {
      const answered = new Set<string>();
      for (const { before, event, table, effects } of moments) {
        for (const effect of effects) {
          if (effect.kind !== 'deny' && (effect.kind !== 'grant' || effect.isRenewal)) continue;
          assert.ok(!answered.has(effect.id), `${effect.id} is answered twice`);
          answered.add(effect.id);
        }
        for (const { id, pending } of table.requests) assert.equal(pending.length === 0, answered.has(id), id);
        const present = [...before.requests.map(({ id }) => id), ...(event.kind === 'request' ? [event.id] : [])];
        for (const id of present) {
          const isHere = table.requests.some((request) => request.id === id);
          const isRefusedRun = event.kind === 'request' && before.closedRuns.includes(event.holder.runId);
          assert.ok(isHere || table.finished.includes(id) || isRefusedRun, `${id} is lost`);
        }
      }
    });
  });

  it('whoever waits is told of no new token: it does not know yet what it holds', () => {
    atEveryMoment(({ before, effects }) => {
      for (const effect of effects) {
        if (effect.kind !== 'grant' || !effect.isRenewal) continue;
        assert.deepEqual(before.requests.find(({ id }) => id === effect.id)?.pending, []);
      }
    });
  });

  it('a grant names exactly the locks that were asked for, in that order', () => {
    inEveryHistory((moments) => {
      const asked = new Map<string, readonly string[]>();
      for (const { event, effects } of moments) {
        if (event.kind === 'request' && !asked.has(event.id)) {
          asked.set(
            event.id,
            event.locks.map(({ name, mode }) => name + mode),
          );
        }
        for (const effect of effects) {
          if (effect.kind !== 'grant' || effect.isRenewal) continue;
          const granted = effect.grants.map(({ name, mode }) => name + mode);
          assert.deepEqual(granted, asked.get(effect.id));
        }
      }
    });
  });

  it('no run that is known to be closed is told of a grant', () => {
    atEveryMoment(({ before, effects }) => {
      for (const effect of effects) {
        if (effect.kind === 'grant') assert.ok(!before.closedRuns.includes(effect.holder.runId), effect.id);
      }
    });
  });

  it('what a closed run was granted is given back only by itself, or when it is settled', () => {
    atEveryMoment(({ before, event, table }) => {
      if (event.kind === 'settled' || event.kind === 'release' || event.kind === 'undeliverable') return;
      for (const { id, isClosed } of before.requests) {
        if (isClosed)
          assert.ok(
            table.requests.some((request) => request.id === id && request.isClosed),
            id,
          );
      }
    });
  });

  it('a trylock never waits; refused, it changes nothing for others', () => {
    atEveryMoment(({ before, event, table, effects }) => {
      if (event.kind !== 'request' || !event.tryLock) return;
      const own = table.requests.find(({ id }) => id === event.id);
      if (before.requests.some(({ id }) => id === event.id)) return;
      assert.notEqual(own?.pending.length, 1);
      const isRefused = effects.some((effect) => effect.kind === 'deny' && effect.id === event.id);
      if (isRefused) assert.deepEqual(table.requests, before.requests);
      if (isRefused) assert.deepEqual(table.lockdep, before.lockdep);
    });
  });

  it('a deadline that has passed leaves nothing of a request that waited', () => {
    atEveryMoment(({ event, table }) => {
      if (event.kind === 'expire') assert.ok((nextDeadlineMs(table) ?? Infinity) > event.nowMs);
    });
  });

  it('repeating any event at once changes nothing', () => {
    atEveryMoment(({ event, table }) => {
      const again = applyLockEvent(table, event);
      assert.deepEqual(again.effects, []);
      assert.deepEqual(again.table, table);
    });
  });

  it('every message may come once more at any later time: it is not honoured again', () => {
    fc.assert(
      fc.property(lockHistories, fc.nat(), (events, nth) => {
        const moments = play(events);
        const { event } = moments[nth % moments.length]!;
        const { table } = moments.at(-1)!;
        const isOfRequest = event.kind === 'request' || (event.kind === 'release' && table.finished.includes(event.id));
        if (!isOfRequest) return;
        const again = applyLockEvent(table, event);
        assert.deepEqual(again.effects, []);
        assert.deepEqual(again.table, table);
      }),
    );
  });

  it('everybody is granted at last when every run ends after its grant, or is settled', () => {
    inEveryHistory((moments) => {
      let { table } = moments.at(-1)!;
      for (let round = 0; table.requests.length > 0; round++) {
        assert.ok(round < 200, 'no progress');
        const waiting = new Set(table.requests.filter((r) => r.pending.length > 0).map(({ holder }) => holder.runId));
        const done = table.requests.find(({ holder }) => !waiting.has(holder.runId));
        assert.ok(done, 'all runs wait');
        const nowMs = 100;
        ({ table } = applyLockEvent(
          table,
          done.isClosed
            ? { kind: 'settled', runId: done.holder.runId, nowMs }
            : { kind: 'release', id: done.id, nowMs },
        ));
      }
    });
  });

  it('the same lock is reported as acquired and as released equally often when all is over', () => {
    inEveryHistory((moments) => {
      const counts = new Map<string, number>();
      for (const { effects } of moments)
        for (const effect of effects) {
          if (effect.kind !== 'acquired' && effect.kind !== 'released') continue;
          const key = effect.lock.name + effect.lock.mode;
          counts.set(key, (counts.get(key) ?? 0) + (effect.kind === 'acquired' ? 1 : -1));
        }
      for (const { name, mode } of moments.at(-1)!.table.requests.flatMap(({ held }) => held)) {
        counts.set(name + mode, (counts.get(name + mode) ?? 0) - 1);
      }
      for (const [lock, count] of counts) assert.equal(count, 0, lock);
    });
  });

  it('stays within its limits', () => {
    atEveryMoment(({ table }) => {
      assert.ok(table.requests.length <= REQUESTS_MAX);
      const locks = table.requests.flatMap(({ held, pending }) => [...held, ...pending]);
      assert.ok(locks.length <= LOCKS_MAX);
    });
  });
});
