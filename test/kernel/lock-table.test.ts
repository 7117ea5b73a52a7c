import assert from 'node:assert/strict';
import { holdersOf } from '../../src/kernel/lock-queue.ts';
import { LOCK_NAME_LENGTH_MAX, LOCKS_MAX, LOCKS_PER_REQUEST_MAX, REQUESTS_MAX } from '../../src/kernel/lock-refusal.ts';
import type { LockEffect } from '../../src/kernel/lock-request.ts';
import type { HeldLock, WantedLock } from '../../src/kernel/lock.ts';
import {
  applyLockEvent,
  awaitedRuns,
  EMPTY_LOCK_TABLE,
  nextDeadlineMs,
  waitingSinceMs,
} from '../../src/kernel/lock-table.ts';
import { answersIn, D, L, LockPlay, M, MR } from '../support/lock-play.ts';

function grantsIn(effects: readonly LockEffect[]): readonly HeldLock[] {
  return effects.flatMap((effect) => (effect.kind === 'grant' ? effect.grants : []));
}

function namesOf(locks: readonly WantedLock[]): readonly string[] {
  return locks.map(({ name }) => name);
}

function deviceLocks(count: number): readonly WantedLock[] {
  return Array.from({ length: count }, (_, n) => ({ name: `device_lock/memory${String(n)}`, mode: 'write' }));
}

describe('lock table', () => {
  it('grants a whole list in one message, with one token per lock', () => {
    const effects = LockPlay.opened().request('a', D, L, M);
    assert.deepEqual(answersIn(effects), ['grant a']);
    const grants = grantsIn(effects);
    assert.deepEqual(namesOf(grants), namesOf([D, L, M]));
    assert.equal(new Set(grants.map(({ token }) => token)).size, 3);
  });

  it('holds the first locks of a list while it waits for the next', () => {
    const play = LockPlay.opened();
    play.request('a', L);
    assert.deepEqual(answersIn(play.request('b', D, L)), []);
    assert.deepEqual(answersIn(play.request('c', D)), [], 'b holds D');
    assert.deepEqual(answersIn(play.release('a')), ['grant b']);
    assert.deepEqual(answersIn(play.release('b')), ['grant c']);
  });

  it('lets a waiter for D pin nothing else', () => {
    const play = LockPlay.opened();
    play.request('a', D);
    play.request('b', D, L, M);
    assert.deepEqual(answersIn(play.request('c', L)), ['grant c']);
  });

  it('admits no reader behind a waiting writer, and all readers up to the next writer together', () => {
    const play = LockPlay.opened();
    play.request('r1', MR);
    play.request('w', M);
    play.request('r2', MR);
    play.request('r3', MR);
    assert.deepEqual(answersIn(play.release('r1')), ['grant w']);
    assert.deepEqual(answersIn(play.release('w')), ['grant r2', 'grant r3']);
  });

  it('admits the readers behind a writer that gives up', () => {
    const play = LockPlay.opened();
    play.request('r1', MR);
    play.request('w', M);
    play.request('r2', MR);
    assert.deepEqual(answersIn(play.release('w')), ['grant r2']);
  });

  it('releases part of a list', () => {
    const play = LockPlay.opened();
    play.request('a', D, L, M);
    play.request('b', M);
    assert.deepEqual(answersIn(play.release('a', M.name)), ['grant b']);
    assert.deepEqual(
      holdersOf(play.table, D.name).map(({ id }) => id),
      ['a'],
    );
    play.release('a', D.name, L.name);
    assert.deepEqual(
      play.table.requests.map(({ id }) => id),
      ['b'],
    );
  });

  it('takes no lock out of a list that is not granted yet: its grant must be whole', () => {
    const play = LockPlay.opened();
    play.request('a', L);
    play.request('b', D, L);
    play.release('b', D.name);
    assert.deepEqual(namesOf(grantsIn(play.release('a'))), [D.name, L.name]);
  });

  it('forgets who cancels while queued, and all that it held', () => {
    const play = LockPlay.opened();
    play.request('a', L);
    play.request('b', D, L);
    play.request('c', D);
    assert.deepEqual(answersIn(play.release('b')), ['grant c']);
    assert.deepEqual(answersIn(play.release('a')), []);
  });

  it('honours a release that overtakes its request', () => {
    const play = LockPlay.opened();
    play.release('a');
    assert.deepEqual(answersIn(play.request('a', D)), []);
    assert.deepEqual(answersIn(play.request('b', D)), ['grant b']);
  });

  it('withdraws the whole request at its deadline and tells when to look next', () => {
    const play = LockPlay.opened();
    play.request('a', L);
    play.requestWith('b', { deadlineMs: 5_000 }, D, L);
    play.requestWith('granted', { deadlineMs: 1_000 }, M);
    assert.equal(nextDeadlineMs(play.table), 5_000);
    play.nowMs = 4_999;
    assert.deepEqual(answersIn(play.send({ kind: 'expire' })), []);
    play.nowMs = 5_000;
    assert.deepEqual(answersIn(play.send({ kind: 'expire' })), ['deny b ETIMEDOUT']);
    assert.equal(nextDeadlineMs(play.table), undefined);
    assert.deepEqual(answersIn(play.request('c', D)), ['grant c']);
  });

  it('says since when somebody waits, and for and with whom', () => {
    const play = LockPlay.opened();
    play.request('a', D);
    assert.equal(waitingSinceMs(play.table), undefined);
    assert.deepEqual(awaitedRuns(play.table), []);
    play.request('other', M);
    play.nowMs = 7;
    play.request('b', D);
    play.nowMs = 9;
    play.request('c', D);
    assert.equal(waitingSinceMs(play.table), 7);
    assert.deepEqual(
      awaitedRuns(play.table).map(({ runId }) => runId),
      ['a', 'b', 'c'],
    );
  });
});

describe('a trylock', () => {
  it('is granted a free list, and refused with EBUSY instead of waiting', () => {
    const play = LockPlay.opened();
    assert.deepEqual(answersIn(play.requestWith('a', { tryLock: true }, D, L)), ['grant a']);
    assert.deepEqual(answersIn(play.requestWith('b', { tryLock: true }, M, L)), ['deny b EBUSY']);
    assert.deepEqual(answersIn(play.request('c', M)), ['grant c']);
  });

  it('does not pass a writer that waits', () => {
    const play = LockPlay.opened();
    play.request('r', MR);
    play.request('w', M);
    assert.deepEqual(answersIn(play.requestWith('t', { tryLock: true }, MR)), ['deny t EBUSY']);
  });

  it('is refused at once while the table recovers', () => {
    assert.deepEqual(answersIn(new LockPlay().requestWith('a', { tryLock: true }, D)), ['deny a EBUSY']);
  });
});

describe('limits of the lock table', () => {
  it('refuse empty, repeating and long lists with EINVAL', () => {
    const play = LockPlay.opened();
    assert.deepEqual(answersIn(play.request('a')), ['deny a EINVAL']);
    assert.deepEqual(answersIn(play.request('b', D, D)), ['deny b EINVAL']);
    assert.deepEqual(answersIn(play.request('c', ...deviceLocks(LOCKS_PER_REQUEST_MAX + 1))), ['deny c EINVAL']);
    const long = { name: 'x'.repeat(LOCK_NAME_LENGTH_MAX + 1), mode: 'write' } as const;
    assert.deepEqual(answersIn(play.request('long', long)), ['deny long EINVAL']);
    assert.deepEqual(answersIn(play.request('d', ...deviceLocks(LOCKS_PER_REQUEST_MAX))), ['grant d']);
  });

  it('refuse one request too many with ENOLCK, and nothing else changes', () => {
    const play = LockPlay.opened();
    for (let n = 0; n < REQUESTS_MAX; n++) play.request(`n${String(n)}`, D);
    const before = play.table;
    assert.deepEqual(answersIn(play.request('more', L)), ['deny more ENOLCK']);
    assert.deepEqual({ ...play.table, finished: [] }, { ...before, finished: [] });
    play.release('n0');
    assert.deepEqual(answersIn(play.request('again', L)), ['grant again']);
  });

  it('refuse one lock too many with ENOLCK: a table with as many locks as it may have is small enough to carry', () => {
    const play = LockPlay.opened();
    const locks = deviceLocks(LOCKS_PER_REQUEST_MAX);
    for (let n = 0; n < LOCKS_MAX / locks.length; n++) play.request(`n${String(n)}`, ...locks);
    assert.deepEqual(answersIn(play.request('more', D)), ['deny more ENOLCK']);
    assert.ok(JSON.stringify(play.table).length < 512 * 1024);
  });
});

describe('a closed run', () => {
  it('keeps what it was granted until that is settled', () => {
    const play = LockPlay.opened();
    play.request('a/1', D);
    play.request('b/1', D);
    assert.deepEqual(answersIn(play.send({ kind: 'closed', runId: 'a' })), []);
    assert.equal(play.table.requests[0]?.isClosed, true);
    assert.deepEqual(answersIn(play.send({ kind: 'settled', runId: 'a' })), ['grant b/1']);
  });

  it('waits no more, gives back at once what it was not told of, and is granted nothing', () => {
    const play = LockPlay.opened();
    play.request('a/1', L);
    play.request('b/1', D, L);
    play.request('c/1', D);
    assert.deepEqual(answersIn(play.send({ kind: 'closed', runId: 'b' })), ['grant c/1']);
    play.release('a/1');
    assert.deepEqual(answersIn(play.request('b/2', M)), []);
    assert.deepEqual(answersIn(play.request('d/1', M)), ['grant d/1']);
  });

  it('is noticed by a grant that cannot be delivered: the next is served, and what else it holds must be settled', () => {
    const play = LockPlay.opened();
    play.request('b/1', M);
    play.request('a/1', D);
    play.request('b/2', D);
    play.request('c/1', D);
    assert.deepEqual(answersIn(play.release('a/1')), ['grant b/2']);
    assert.deepEqual(answersIn(play.send({ kind: 'undeliverable', id: 'b/2' })), ['grant c/1']);
    assert.deepEqual(
      play.table.requests.map(({ id, isClosed }) => [id, isClosed]),
      [
        ['b/1', true],
        ['c/1', undefined],
      ],
    );
    assert.deepEqual(answersIn(play.request('b/3', L)), []);
  });
});

describe('a holder that is not heard of', () => {
  it('is shown as suspect until it returns, and keeps its locks', () => {
    const play = LockPlay.opened();
    play.request('a', D);
    play.request('b', D);
    assert.deepEqual(play.send({ kind: 'suspect', id: 'a', reason: 'its terminal is gone' }), []);
    const suspects = (): unknown => play.table.requests.map(({ suspect }) => suspect);
    assert.deepEqual(suspects(), ['its terminal is gone', undefined]);
    assert.deepEqual(play.send({ kind: 'suspect', id: 'a' }), []);
    assert.deepEqual(suspects(), [undefined, undefined]);
    assert.deepEqual(play.send({ kind: 'suspect', id: 'unknown', reason: 'x' }), []);
  });
});

describe('a table that recovers', () => {
  it('grants nothing, refuses nothing that waits, and grants in order of arrival once it is open', () => {
    const play = new LockPlay();
    play.request('a/1', D);
    play.request('b/1', D);
    play.request('a/2', M);
    assert.deepEqual(answersIn(play.effects), []);
    assert.deepEqual(answersIn(play.send({ kind: 'open', epoch: 3 })), ['grant a/1', 'grant a/2']);
    assert.deepEqual(answersIn(play.release('a/1')), ['grant b/1']);
  });

  it('refuses, once it is open, whoever would wait in a cycle', () => {
    const play = new LockPlay();
    play.request('a/1', D);
    play.request('b/1', L);
    play.request('a/2', L);
    play.request('b/2', D);
    assert.deepEqual(answersIn(play.send({ kind: 'open', epoch: 1 })), ['grant a/1', 'grant b/1', 'deny a/2 EDEADLK']);
  });

  it('still keeps deadlines', () => {
    const play = new LockPlay();
    play.requestWith('a', { deadlineMs: 1 }, D);
    play.nowMs = 1;
    assert.deepEqual(answersIn(play.send({ kind: 'expire' })), ['deny a ETIMEDOUT']);
  });

  it('tells every holder its new tokens, in the order of the old ones, but not those that are known to be closed', () => {
    const play = LockPlay.opened();
    play.request('a/1', M);
    play.request('b/1', D, L);
    play.request('c/1', { name: 'device_lock/cpu1', mode: 'write' });
    play.send({ kind: 'closed', runId: 'c' });
    const before = play.table.requests.flatMap(({ held }) => held);
    const effects = play.send({ kind: 'open', epoch: 2 });
    assert.deepEqual(answersIn(effects), ['renewal a/1', 'renewal b/1']);
    const after = play.table.requests.flatMap(({ held }) => held);
    const highest = Math.max(...before.map(({ token }) => token));
    assert.ok(after.every(({ token }) => token > highest));
    const ordered = (locks: readonly HeldLock[]): readonly string[] =>
      namesOf([...locks].sort((a, b) => a.token - b.token));
    assert.deepEqual(ordered(after), ordered(before));
  });

  it('is empty to begin with', () => {
    const { table, effects } = applyLockEvent(EMPTY_LOCK_TABLE, { kind: 'open', epoch: 1, nowMs: 0 });
    assert.deepEqual(effects, []);
    assert.deepEqual(table, { ...EMPTY_LOCK_TABLE, epoch: 1, isRecovering: false });
  });
});
