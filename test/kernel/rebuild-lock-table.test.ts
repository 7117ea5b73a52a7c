import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LockTable } from '../../src/kernel/lock-queue.ts';
import type { WantedLock } from '../../src/kernel/lock.ts';
import { REQUESTS_MAX } from '../../src/kernel/lock-refusal.ts';
import type { LockEvent } from '../../src/kernel/lock-request.ts';
import { applyLockEvent, EMPTY_LOCK_TABLE } from '../../src/kernel/lock-table.ts';
import { rebuildLockTable } from '../../src/kernel/rebuild-lock-table.ts';
import { lockHistories } from '../support/lock-events.ts';
import { faultsOf } from '../support/lock-oracle.ts';
import { answersIn, D, L, LockPlay, M, requestOf } from '../support/lock-play.ts';

/** A run of a lock entity: its table after each workflow task, and what its history says up to there. */
interface Task {
  readonly table: LockTable;
  readonly history: readonly LockEvent[];
}

const OPENED = applyLockEvent(EMPTY_LOCK_TABLE, { kind: 'open', epoch: 1, nowMs: 0 }).table;

/** What a history tells: of what happens in one task first all that came in, then all that went out. */
function tasksOf(base: LockTable, batches: readonly (readonly LockEvent[])[]): readonly Task[] {
  const told = new Set(base.requests.filter(({ pending }) => pending.length === 0).map(({ id }) => id));
  let table = base;
  let history: readonly LockEvent[] = [];
  return batches.map((batch) => {
    const possible = batch.filter((event) => isPossible(event, told));
    const answers: LockEvent[] = [];
    for (const event of possible) {
      const applied = applyLockEvent(table, event);
      ({ table } = applied);
      for (const effect of applied.effects) {
        if (effect.kind === 'grant')
          answers.push({ kind: 'adopt', id: effect.id, grants: effect.grants, nowMs: event.nowMs });
        if (effect.kind === 'deny') answers.push({ kind: 'release', id: effect.id, nowMs: event.nowMs });
      }
    }
    for (const answer of answers) if (answer.kind === 'adopt') told.add(answer.id);
    // That time has passed is nothing to be told: the answer is.
    history = [...history, ...possible.filter(({ kind }) => kind !== 'expire'), ...answers];
    return { table, history };
  });
}

/** A run gives back parts of what it was granted after it was told, and a grant is undeliverable after it was sent. */
function isPossible(event: LockEvent, told: ReadonlySet<string>): boolean {
  if (event.kind === 'undeliverable') return told.has(event.id);
  return event.kind !== 'release' || !event.names || told.has(event.id);
}

/** Up to four messages a workflow task; an entity is opened once. */
const runs = fc.tuple(lockHistories, fc.infiniteStream(fc.integer({ min: 1, max: 4 }))).map(([events, sizes]) => {
  const rest = events.filter(({ kind }) => kind !== 'open');
  const batches: LockEvent[][] = [];
  for (const size of sizes) {
    if (rest.length === 0) break;
    batches.push(rest.splice(0, size));
  }
  return batches;
});

function holdersIn({ requests }: LockTable): readonly string[] {
  return requests
    .filter(({ pending }) => pending.length === 0)
    .map(({ id, held }) => `${id}: ${held.map(({ name, mode, token }) => `${name} ${mode} ${String(token)}`).join()}`)
    .sort();
}

function waitersIn({ requests }: LockTable): readonly string[] {
  return requests
    .filter(({ pending }) => pending.length > 0)
    .map(({ id, held, pending }) => {
      const locks = [...held, ...pending].map(({ name, mode }) => `${name} ${mode}`);
      return `${id}: ${locks.join()}`;
    });
}

/** Without closed runs: whether those were told, and of what, is found out anew. */
function ofLiving(table: LockTable, closed: readonly string[]): LockTable {
  return { ...table, requests: table.requests.filter(({ holder }) => !closed.includes(holder.runId)) };
}

function tokensIn({ requests }: LockTable): readonly number[] {
  return requests.flatMap(({ held }) => held.map(({ token }) => token)).sort((a, b) => a - b);
}

function isToldByItself({ kind }: LockEvent): boolean {
  return kind === 'closed' || kind === 'settled' || kind === 'undeliverable';
}

function inEveryRun(check: (tasks: readonly Task[]) => void): void {
  fc.assert(
    fc.property(runs, (batches) => check(tasksOf(OPENED, batches))),
    { numRuns: 1000 },
  );
}

describe('a rebuilt lock table', () => {
  it('has the same holders with the same tokens, and the same waiters in order of arrival, wherever it is cut', () => {
    inEveryRun((tasks) => {
      for (const { table, history } of tasks) {
        const rebuilt = rebuildLockTable(OPENED, history);
        const closed = table.closedRuns;
        assert.deepEqual(holdersIn(ofLiving(rebuilt, closed)), holdersIn(ofLiving(table, closed)));
        assert.deepEqual(waitersIn(rebuilt), waitersIn(table));
        assert.deepEqual(faultsOf(rebuilt), []);
      }
    });
  });

  it('has every holder and waiter, excluded from each other, also where nobody tells who was found closed', () => {
    inEveryRun((tasks) => {
      for (const { table, history } of tasks) {
        const rebuilt = rebuildLockTable(
          OPENED,
          history.filter((event) => !isToldByItself(event)),
        );
        const closed = table.closedRuns;
        for (const holder of holdersIn(table)) assert.ok(holdersIn(rebuilt).includes(holder), holder);
        assert.deepEqual(holdersIn(ofLiving(rebuilt, closed)), holdersIn(ofLiving(table, closed)));
        assert.deepEqual(waitersIn(ofLiving(rebuilt, closed)), waitersIn(ofLiving(table, closed)));
        assert.deepEqual(
          faultsOf(rebuilt).filter((fault) => !fault.includes('of a closed run')),
          [],
        );
      }
    });
  });

  it('has whoever asked last, although the entity was lost before it could answer', () => {
    inEveryRun((tasks) => {
      const { table, history } = tasks.at(-1) ?? { table: OPENED, history: [] };
      const asked = { ...requestOf('z/1', [D, M]), nowMs: 100 };
      const rebuilt = rebuildLockTable(OPENED, [...history, asked]);
      assert.deepEqual(waitersIn(rebuilt), [...waitersIn(table), `z/1: ${D.name} write,${M.name} write`]);
    });
  });

  it('is the same whether or not the entity continued as new on the way', () => {
    fc.assert(
      fc.property(runs, fc.nat(), (batches, nth) => {
        const cut = nth % (batches.length + 1);
        const first = tasksOf(OPENED, batches.slice(0, cut)).at(-1) ?? { table: OPENED, history: [] };
        const second = tasksOf(first.table, batches.slice(cut)).at(-1) ?? { table: first.table, history: [] };
        const rebuilt = rebuildLockTable(first.table, second.history);
        const closed = second.table.closedRuns;
        assert.deepEqual(holdersIn(ofLiving(rebuilt, closed)), holdersIn(ofLiving(second.table, closed)));
        assert.deepEqual(waitersIn(rebuilt), waitersIn(second.table));
      }),
    );
  });

  it('has, once it is open, only tokens that are higher than any before, in the old order, and nobody waits in vain', () => {
    inEveryRun((tasks) => {
      for (const { table, history } of tasks) {
        const rebuilt = rebuildLockTable(OPENED, history);
        const { table: opened, effects } = applyLockEvent(rebuilt, { kind: 'open', epoch: 2, nowMs: 100 });
        assert.ok(tokensIn(opened).every((token) => token > Math.max(0, ...tokensIn(table))));
        assert.deepEqual(faultsOf(opened), []);
        const renewed = effects.filter((effect) => effect.kind === 'grant' && effect.isRenewal);
        assert.equal(renewed.length, rebuilt.requests.filter((r) => r.pending.length === 0 && !r.isClosed).length);
      }
    });
  });

  it('does not change when it is rebuilt again, nor when its history is told twice', () => {
    inEveryRun((tasks) => {
      const history = tasks.at(-1)?.history ?? [];
      const once = rebuildLockTable(OPENED, history);
      for (const twice of [rebuildLockTable(once, []), rebuildLockTable(OPENED, [...history, ...history])]) {
        assert.deepEqual(holdersIn(twice), holdersIn(once));
        assert.deepEqual(waitersIn(twice), waitersIn(once));
      }
    });
  });
});

describe('rebuilding a lock table', () => {
  function rebuiltAndOpened(base: LockTable, history: readonly LockEvent[]): LockPlay {
    const play = new LockPlay();
    play.table = rebuildLockTable(base, history);
    play.send({ kind: 'open', epoch: 2 });
    return play;
  }

  it('keeps the place in the queue of a request that held locks while it waited', () => {
    const play = LockPlay.opened();
    play.request('x', D);
    play.request('y', L);
    play.request('early', D, L);
    play.request('late', D);
    play.release('x');
    const again = rebuiltAndOpened(play.table, []);
    assert.deepEqual(answersIn(again.effects), ['renewal y']);
    assert.deepEqual(answersIn(again.release('y')), ['grant early']);
  });

  it('takes a grant that is told again for what it is: part of it may have been given back since', () => {
    const read = (lock: WantedLock): WantedLock => ({ ...lock, mode: 'read' });
    const history = tasksOf(OPENED, [
      [
        { ...requestOf('a', [read(D), read(L)]), nowMs: 1 },
        { ...requestOf('b', [L]), nowMs: 2 },
      ],
      [{ kind: 'release', id: 'a', names: [L.name], nowMs: 3 }],
    ]).at(-1)!.history;
    const told = holdersIn(rebuildLockTable(OPENED, history));
    assert.equal(told.length, 2);
    assert.deepEqual(holdersIn(rebuildLockTable(OPENED, [...history, ...history])), told);
  });

  it('keeps what a trylock was granted', () => {
    const [task] = tasksOf(OPENED, [[{ ...requestOf('a', [D], { tryLock: true }), nowMs: 1 }]]);
    assert.deepEqual(holdersIn(rebuildLockTable(OPENED, task!.history)), holdersIn(task!.table));
  });

  it('answers a trylock that was not answered: it is granted, or refused at the next look at the clock', () => {
    const asked = { ...requestOf('try', [D], { tryLock: true }), nowMs: 1 };
    assert.deepEqual(answersIn(rebuiltAndOpened(OPENED, [asked]).effects), ['grant try']);
    const held = LockPlay.opened();
    held.request('a', D);
    const again = rebuiltAndOpened(held.table, [asked]);
    again.nowMs = 1;
    assert.deepEqual(answersIn(again.send({ kind: 'expire' })), ['deny try ETIMEDOUT']);
  });

  it('answers a request that is invalid and was not answered', () => {
    const asked = [requestOf('empty', []), requestOf('double', [D, D])].map((event) => ({ ...event, nowMs: 1 }));
    assert.deepEqual(answersIn(rebuiltAndOpened(OPENED, asked).effects), ['deny empty EINVAL', 'deny double EINVAL']);
  });

  it('loses nobody at the limit: refusals are told after the requests that they made room for', () => {
    const play = LockPlay.opened();
    for (let n = 1; n < REQUESTS_MAX; n++) play.request(`n${String(n)}/1`, { name: `L/${String(n)}`, mode: 'read' });
    const refused = [1, 2, 3].map((n) =>
      requestOf(`try/${String(n)}`, [{ name: 'L/1', mode: 'write' }], { tryLock: true }),
    );
    const batch = [...refused, requestOf('last/1', [M])].map((event) => ({ ...event, nowMs: 1 }));
    const [task] = tasksOf(play.table, [batch]);
    const rebuilt = rebuildLockTable(play.table, task!.history);
    assert.deepEqual(holdersIn(rebuilt), holdersIn(task!.table));
    assert.equal(rebuilt.requests.length, REQUESTS_MAX);
  });
});
