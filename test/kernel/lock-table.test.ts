import assert from 'node:assert/strict';
import fc from 'fast-check';
import { conflicts, holdersOf, waitersOf, type LockTable } from '../../src/kernel/lock-queue.ts';
import { applyLockEvent, emptyLockTable, nextDeadlineMs, REQUESTS_MAX } from '../../src/kernel/lock-table.ts';
import type { LockEffect, LockEvent, WantedLock } from '../../src/kernel/lock-request.ts';

const D: WantedLock = { name: 'device_hotplug_lock', mode: 'write' };
const M: WantedLock = { name: 'mem_hotplug_lock', mode: 'write' };
const MR: WantedLock = { name: 'mem_hotplug_lock', mode: 'read' };
const L: WantedLock = { name: 'device_lock/memory32', mode: 'write' };

/** A table with a memory: plays events and keeps every effect. */
class Play {
  table: LockTable = emptyLockTable(1);
  readonly effects: LockEffect[] = [];

  send(event: LockEvent): readonly LockEffect[] {
    const { table, effects } = applyLockEvent(this.table, event);
    this.table = table;
    this.effects.push(...effects);
    return effects;
  }

  request(id: string, ...locks: WantedLock[]): readonly LockEffect[] {
    const [run = id] = id.split('/');
    return this.send({
      kind: 'request',
      id,
      holder: { workflowId: `wf-${run}`, runId: run },
      purpose: run,
      locks,
      nowMs: 0,
    });
  }

  release(id: string, ...names: string[]): readonly LockEffect[] {
    return this.send({ kind: 'release', id, ...(names.length > 0 ? { names } : {}) });
  }
}

function kinds(effects: readonly LockEffect[]): string[] {
  return effects.map((effect) => `${effect.kind} ${effect.id}${effect.kind === 'deny' ? ` ${effect.errno}` : ''}`);
}

describe('lock table', () => {
  it('grants a whole list in one message, with one token per lock', () => {
    const [grant] = new Play().request('a', D, L, M);
    assert.equal(grant?.kind, 'grant');
    assert.deepEqual(
      grant.grants.map((lock) => lock.name),
      [D.name, L.name, M.name],
    );
    assert.equal(new Set(grant.grants.map((lock) => lock.token)).size, 3);
  });

  it('holds the first locks of a list while it waits for the next', () => {
    const play = new Play();
    play.request('a', L);
    assert.deepEqual(kinds(play.request('b', D, L)), []);
    assert.deepEqual(kinds(play.request('c', D)), [], 'b holds D');
    assert.deepEqual(kinds(play.release('a')), ['grant b']);
    assert.deepEqual(kinds(play.release('b')), ['grant c']);
  });

  it('lets a waiter for D pin nothing else', () => {
    const play = new Play();
    play.request('a', D);
    play.request('b', D, L, M);
    assert.deepEqual(kinds(play.request('c', L)), ['grant c']);
  });

  it('admits no reader behind a waiting writer, and all readers up to the next writer together', () => {
    const play = new Play();
    play.request('r1', MR);
    play.request('w', M);
    play.request('r2', MR);
    play.request('r3', MR);
    assert.deepEqual(kinds(play.release('r1')), ['grant w']);
    assert.deepEqual(kinds(play.release('w')), ['grant r2', 'grant r3']);
  });

  it('releases part of a list', () => {
    const play = new Play();
    play.request('a', D, L, M);
    play.request('b', M);
    assert.deepEqual(kinds(play.release('a', M.name)), ['grant b']);
    assert.deepEqual(
      holdersOf(play.table, D.name).map((request) => request.id),
      ['a'],
    );
    play.release('a', D.name, L.name);
    assert.deepEqual(
      play.table.requests.map((request) => request.id),
      ['b'],
    );
  });

  it('refuses with EDEADLK, naming both chains, the request that closes the inversion of add and online', () => {
    const play = new Play();
    play.request('add/1', M);
    play.request('online/1', L);
    assert.deepEqual(kinds(play.request('online/2', M)), []);
    const [denied] = play.request('add/2', L);
    assert.equal(denied?.kind, 'deny');
    assert.equal(denied.errno, 'EDEADLK');
    assert.deepEqual(
      denied.cycle?.map((link) => [link.runId, link.holds, link.waitsFor]),
      [
        ['add', [M.name], L.name],
        ['online', [L.name], M.name],
      ],
    );
    assert.match(denied.message, /add holds mem_hotplug_lock and waits for device_lock\/memory32/);
    assert.match(denied.message, /online holds device_lock\/memory32 and waits for mem_hotplug_lock/);
    assert.deepEqual(kinds(play.release('add/1')), ['grant online/2'], 'the refused request left nothing behind');
  });

  it('refuses a cycle that a list closes only when it advances', () => {
    const play = new Play();
    play.request('x/1', D);
    play.request('a/1', M);
    play.request('b/1', L);
    play.request('a/2', D, L);
    play.request('b/2', M);
    assert.deepEqual(kinds(play.release('x/1')), ['deny a/2 EDEADLK']);
  });

  for (const [title, first, second] of [
    ['D under own D', D, D],
    ['M:r under own M:w', M, MR],
    ['an upgrade from M:r to M:w', MR, M],
  ] as const) {
    it(`refuses ${title}`, () => {
      const play = new Play();
      play.request('a/1', first);
      assert.deepEqual(kinds(play.request('a/2', second)), ['deny a/2 EDEADLK']);
    });
  }

  it('refuses a nested read while a writer waits, and grants it while none does (row 86)', () => {
    const play = new Play();
    play.request('a/1', MR);
    assert.deepEqual(kinds(play.request('a/2', MR)), ['grant a/2']);
    play.release('a/2');
    play.request('w', M);
    assert.deepEqual(kinds(play.request('a/3', MR)), ['deny a/3 EDEADLK']);
  });

  it('withdraws the whole request at its deadline and tells when to look next', () => {
    const play = new Play();
    play.request('a', L);
    const holder = { workflowId: 'wf-b', runId: 'b' };
    play.send({ kind: 'request', id: 'b', holder, purpose: 'b', locks: [D, L], nowMs: 0, deadlineMs: 5_000 });
    assert.equal(nextDeadlineMs(play.table), 5_000);
    assert.deepEqual(kinds(play.send({ kind: 'expire', nowMs: 4_999 })), []);
    assert.deepEqual(kinds(play.send({ kind: 'expire', nowMs: 5_000 })), ['deny b ETIMEDOUT']);
    assert.equal(nextDeadlineMs(play.table), undefined);
    assert.deepEqual(kinds(play.request('c', D)), ['grant c']);
  });

  it('forgets a waiter whose grant could not be delivered, and serves the next', () => {
    const play = new Play();
    play.request('a', D);
    play.request('b', D);
    play.request('c', D);
    assert.deepEqual(kinds(play.release('a')), ['grant b']);
    assert.deepEqual(kinds(play.send({ kind: 'undeliverable', id: 'b' })), ['grant c']);
  });

  it('honours a release that overtakes its request', () => {
    const play = new Play();
    play.release('a');
    assert.deepEqual(kinds(play.request('a', D)), []);
    assert.deepEqual(kinds(play.request('b', D)), ['grant b']);
  });

  it('refuses empty and repeating lists with EINVAL, and too many requests with ENOLCK', () => {
    const play = new Play();
    assert.deepEqual(kinds(play.request('a')), ['deny a EINVAL']);
    assert.deepEqual(kinds(play.request('b', D, D)), ['deny b EINVAL']);
    for (let n = 0; n < REQUESTS_MAX; n++) play.request(`n${String(n)}`, D);
    assert.deepEqual(kinds(play.request('more', L)), ['deny more ENOLCK']);
  });
});

const LOCKS = ['D', 'M', 'L1', 'L2'];
const wanted = fc.uniqueArray(fc.record({ name: fc.constantFrom(...LOCKS), mode: fc.constantFrom('read', 'write') }), {
  minLength: 1,
  maxLength: 3,
  selector: (lock) => lock.name,
}) as fc.Arbitrary<WantedLock[]>;
const runs = fc.constantFrom('a', 'b', 'c', 'd');
const ids = fc.tuple(runs, fc.integer({ min: 1, max: 4 })).map(([run, n]) => `${run}/${String(n)}`);
const event: fc.Arbitrary<LockEvent> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(ids, wanted).map(([id, locks]) => ({
      kind: 'request' as const,
      id,
      holder: { workflowId: id.slice(0, 1), runId: id.slice(0, 1) },
      purpose: id,
      locks,
      nowMs: 0,
    })),
  },
  { weight: 2, arbitrary: ids.map((id) => ({ kind: 'release' as const, id })) },
  {
    weight: 1,
    arbitrary: fc.tuple(ids, fc.subarray(LOCKS)).map(([id, names]) => ({ kind: 'release' as const, id, names })),
  },
  { weight: 1, arbitrary: ids.map((id) => ({ kind: 'undeliverable' as const, id })) },
);

/** Plays `events`, calling `check` after each with the effects that it had. */
function playAll(
  events: readonly LockEvent[],
  check: (play: Play, effects: readonly LockEffect[], event: LockEvent) => void,
): void {
  const play = new Play();
  for (const one of events) check(play, play.send(one), one);
}

describe('lock table, for any history', () => {
  const histories = fc.array(event, { maxLength: 40 });

  it('a writer is alone and readers share', () => {
    fc.assert(
      fc.property(histories, (events) => {
        playAll(events, ({ table }) => {
          for (const name of LOCKS) {
            const held = holdersOf(table, name).flatMap((request) => request.held.filter((lock) => lock.name === name));
            if (held.some((lock) => lock.mode === 'write')) assert.equal(held.length, 1);
          }
        });
      }),
    );
  });

  it('tokens strictly increase in order of grant', () => {
    fc.assert(
      fc.property(histories, (events) => {
        const seen = new Set<number>();
        let highest = 0;
        playAll(events, ({ table }) => {
          const fresh = table.requests
            .flatMap((request) => request.held.map((lock) => lock.token))
            .filter((t) => !seen.has(t));
          for (const token of fresh) {
            assert.ok(token > highest, 'a new token is higher than every token of earlier events');
            seen.add(token);
          }
          highest = Math.max(highest, ...fresh);
        });
      }),
    );
  });

  it('nobody waits who could be granted: the head of every queue conflicts with a holder', () => {
    fc.assert(
      fc.property(histories, (events) => {
        playAll(events, ({ table }) => {
          for (const name of LOCKS) {
            const [head] = waitersOf(table, name);
            const wantedLock = head?.pending[0];
            if (!wantedLock) continue;
            const held = holdersOf(table, name).flatMap((request) => request.held.filter((lock) => lock.name === name));
            assert.ok(
              held.some((lock) => conflicts(lock, wantedLock)),
              `${name} is free for ${head.id}`,
            );
          }
        });
      }),
    );
  });

  it('no arrival is overtaken by a later one that conflicts with it', () => {
    fc.assert(
      fc.property(histories, (events) => {
        let before = emptyLockTable(1);
        playAll(events, (play, _effects, cause) => {
          for (const name of LOCKS) {
            const queue = waitersOf(before, name);
            const stillWaiting = queue.filter((old) =>
              waitersOf(play.table, name).some((now) => now.id === old.id && now.ticket === old.ticket),
            );
            const granted = queue.filter((old) => holdersOf(play.table, name).some((now) => now.id === old.id));
            for (const late of granted)
              for (const early of stillWaiting)
                if (early.ticket < late.ticket) {
                  const [a, b] = [early.pending[0], late.pending[0]];
                  assert.ok(a && b && !conflicts(a, b), `${late.id} passed ${early.id} at ${name} on ${cause.kind}`);
                }
          }
          before = play.table;
        });
      }),
    );
  });

  it('every request is answered at most once, and is held, waiting, answered or withdrawn', () => {
    fc.assert(
      fc.property(histories, (events) => {
        const answers = new Map<string, number>();
        playAll(events, ({ table }, effects) => {
          for (const effect of effects) answers.set(effect.id, (answers.get(effect.id) ?? 0) + 1);
          for (const [id, count] of answers) assert.equal(count, 1, id);
          for (const request of table.requests) {
            assert.equal(request.pending.length === 0, answers.has(request.id), request.id);
            assert.ok(!table.finished.includes(request.id));
          }
        });
      }),
    );
  });

  it('repeating any event at once changes nothing', () => {
    fc.assert(
      fc.property(histories, (events) => {
        playAll(events, (play, _effects, one) => {
          const again = applyLockEvent(play.table, one);
          assert.deepEqual(again.effects, []);
          assert.deepEqual(again.table, play.table);
        });
      }),
    );
  });

  it('is never in deadlock: while anybody waits, some run that holds a lock waits for nothing', () => {
    fc.assert(
      fc.property(histories, (events) => {
        playAll(events, ({ table }) => {
          const waiting = new Set(table.requests.filter((r) => r.pending.length > 0).map((r) => r.holder.runId));
          if (waiting.size === 0) return;
          const free = table.requests.filter((r) => r.held.length > 0 && !waiting.has(r.holder.runId));
          assert.ok(free.length > 0);
        });
      }),
      { numRuns: 500 },
    );
  });

  it('everybody is granted at last when every run ends after its grant', () => {
    fc.assert(
      fc.property(histories, (events) => {
        const play = new Play();
        for (const one of events) play.send(one);
        for (let round = 0; play.table.requests.length > 0; round++) {
          assert.ok(round < 200, 'no progress');
          const waiting = new Set(play.table.requests.filter((r) => r.pending.length > 0).map((r) => r.holder.runId));
          const done = play.table.requests.find((r) => !waiting.has(r.holder.runId));
          assert.ok(done, 'all runs wait');
          play.release(done.id);
        }
      }),
    );
  });
});
