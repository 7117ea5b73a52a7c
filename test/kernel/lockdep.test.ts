import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { WantedLock } from '../../src/kernel/lock.ts';
import {
  EMPTY_LOCKDEP,
  GATES_PER_ORDER_MAX,
  HELD_MAX,
  lockClassOf,
  noteAcquisition,
  ORDERS_MAX,
  REPORTS_MAX,
  type LockChain,
  type Lockdep,
  type LockdepReport,
} from '../../src/kernel/lockdep.ts';
import { D, L, LockPlay, M } from '../support/lock-play.ts';

const DR: WantedLock = { ...D, mode: 'read' };

function lock(name: string, mode: WantedLock['mode'] = 'write'): WantedLock {
  return { name, mode };
}

function chain(purpose: string, held: readonly WantedLock[], wanted: string): LockChain {
  return { workflowId: `wf-${purpose}`, runId: purpose, purpose, held, wanted };
}

function note(chains: readonly LockChain[]): { lockdep: Lockdep; reports: readonly LockdepReport[] } {
  let lockdep = EMPTY_LOCKDEP;
  const reports: LockdepReport[] = [];
  for (const one of chains) {
    const noted = noteAcquisition(lockdep, one);
    ({ lockdep } = noted);
    reports.push(...noted.reports);
  }
  assert.deepEqual(lockdep.reports, reports, 'what is kept is what was told');
  return { lockdep, reports };
}

describe('lockdep', () => {
  it('works on classes: all device locks are one', () => {
    assert.equal(lockClassOf('device_lock/memory32'), 'device_lock');
    assert.equal(lockClassOf(M.name), 'mem_hotplug_lock');
    const { reports } = note([
      chain('online', [lock('device_lock/memory1')], M.name),
      chain('add', [M], 'device_lock/memory2'),
    ]);
    assert.equal(reports.length, 1);
  });

  it('does not order two locks of one class', () => {
    const { lockdep } = note([chain('a', [lock('device_lock/memory1')], 'device_lock/memory2')]);
    assert.deepEqual(lockdep, EMPTY_LOCKDEP);
  });

  it('reports an inversion once, naming both chains', () => {
    const online = chain('online memory32', [L], M.name);
    const add = chain('add 0x100000000', [M], L.name);
    const { reports } = note([online, add, online, add]);
    const [report] = reports;
    assert.equal(reports.length, 1);
    assert.deepEqual(report?.chains.map(({ purpose }) => purpose).sort(), ['add 0x100000000', 'online memory32']);
    assert.match(report.message, /online memory32 held device_lock\/memory32 .* and asked for mem_hotplug_lock/);
    assert.match(report.message, /add 0x100000000 held mem_hotplug_lock .* and asked for device_lock\/memory32/);
  });

  it('is silent about an inversion under D in both, and reports it once one is seen without D', () => {
    const gated = [chain('online', [D, L], M.name), chain('add', [D, M], L.name)];
    assert.deepEqual(note(gated).reports, []);
    assert.deepEqual(note([...gated, chain('online', [L], M.name)]).reports.length, 1);
  });

  it('takes a gate that both held for reading for no gate, and one that one of them held for writing for one', () => {
    assert.equal(note([chain('a', [DR, L], M.name), chain('b', [DR, M], L.name)]).reports.length, 1);
    assert.deepEqual(note([chain('a', [DR, L], M.name), chain('b', [D, M], L.name)]).reports, []);
  });

  it('reports a circle of three classes', () => {
    const { reports } = note([chain('a', [D], L.name), chain('b', [L], M.name), chain('c', [M], D.name)]);
    assert.deepEqual(reports[0]?.cycle.toSorted(), ['device_hotplug_lock', 'device_lock', 'mem_hotplug_lock']);
  });

  it('reports two circles that one acquisition closes as two', () => {
    const { reports } = note([chain('a', [M], D.name), chain('b', [M], L.name), chain('c', [D, L], M.name)]);
    assert.deepEqual(
      reports.map(({ cycle }) => cycle.toSorted()),
      [
        ['device_hotplug_lock', 'mem_hotplug_lock'],
        ['device_lock', 'mem_hotplug_lock'],
      ],
    );
  });

  it('is not kept from a circle by another one that is known', () => {
    const { reports } = note([
      chain('a', [L], M.name),
      chain('b', [M], D.name),
      chain('c', [D], L.name),
      chain('d', [lock('G')], 'unrelated'),
      chain('e', [M], L.name),
    ]);
    assert.deepEqual(
      reports.map(({ cycle }) => cycle.length),
      [3, 2],
    );
  });

  it('knows a common gate still after more sets of gates than it remembers', () => {
    const sets = Array.from({ length: 3 * GATES_PER_ORDER_MAX }, (_, n) => [
      n % 3 === 0 ? DR : D,
      lock(`G${String(n)}`),
    ]);
    const onlines = sets.map((gates) => chain('online', [...gates, L], M.name));
    assert.deepEqual(note([...onlines, chain('add', [D, M], L.name)]).reports, []);
    assert.equal(note([...onlines, chain('add', [M], L.name)]).reports.length, 1);
  });
});

const CLASSES = ['A', 'B', 'C'];
const mode = fc.constantFrom<WantedLock['mode'][]>('read', 'write');
const gates = fc.uniqueArray(fc.record({ name: fc.constantFrom('G', 'H'), mode }), { selector: ({ name }) => name });
const chains = fc
  .tuple(gates, fc.constantFrom(...CLASSES), mode, fc.constantFrom(...CLASSES))
  .filter(([, from, , to]) => from !== to)
  .map(([gate, from, heldMode, to]) => chain('x', [...gate, lock(from, heldMode)], to));

/** Every set of classes for which some acquisitions form a circle of which no two had a gate, by trying all of them. */
function circlesOf(seen: readonly LockChain[]): readonly string[] {
  const occurrences = seen.map(({ held, wanted }) => ({
    from: held.at(-1)!.name,
    to: wanted,
    gates: held.slice(0, -1),
  }));
  type Occurrence = (typeof occurrences)[number];
  const isApart = (a: Occurrence, b: Occurrence): boolean =>
    a.gates.some((g) => b.gates.some((h) => g.name === h.name && (g.mode === 'write' || h.mode === 'write')));
  const found = new Set<string>();
  const areCircle = (path: readonly Occurrence[]): boolean =>
    path.every((one, index) => one.to === path[(index + 1) % path.length]!.from) &&
    path.every((one, index) => path.slice(index + 1).every((other) => !isApart(one, other)));
  for (const a of occurrences)
    for (const b of occurrences) {
      if (areCircle([a, b])) found.add([a.from, b.from].sort().join());
      for (const c of occurrences) if (areCircle([a, b, c])) found.add([a.from, b.from, c.from].sort().join());
    }
  return [...found].sort();
}

describe('lockdep, for any acquisitions', () => {
  it('reports exactly the circles that brute force finds', () => {
    let found = 0;
    fc.assert(
      fc.property(fc.array(chains, { maxLength: 12 }), (seen) => {
        const { reports } = note(seen);
        const reported = reports.map(({ cycle }) => cycle.toSorted().join()).sort();
        assert.deepEqual(reported, circlesOf(seen));
        found += reported.length;
      }),
      { numRuns: 500 },
    );
    assert.ok(found > 100, `only ${String(found)} circles were tried`);
  });

  it('never reports what was always done under one common lock, however many other gates there were', () => {
    const busy = fc
      .tuple(
        fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { maxLength: 6 }),
        fc.constantFrom(...CLASSES),
        fc.constantFrom(...CLASSES),
      )
      .map(([others, from, to]) => chain('x', [D, ...others.map((n) => lock(`G/${String(n)}`)), lock(from)], to));
    fc.assert(
      fc.property(fc.array(busy, { maxLength: 60 }), (seen) => {
        assert.deepEqual(note(seen).reports, []);
      }),
    );
  });

  it('always reports two acquisitions in opposite order and without a gate, whatever was seen before', () => {
    fc.assert(
      fc.property(fc.array(chains, { maxLength: 12 }), (seen) => {
        const { reports } = note([...seen, chain('p', [lock('A')], 'B'), chain('q', [lock('B')], 'A')]);
        assert.ok(reports.some(({ cycle }) => cycle.toSorted().join() === 'A,B'));
      }),
    );
  });

  it('remembers no more than its limits', () => {
    const names = fc.integer({ min: 0, max: 40 }).map((n) => (n < 20 ? `K${String(n)}` : `L/${String(n)}`));
    const held = fc.uniqueArray(names, { minLength: 1, maxLength: 12 }).map((all) => all.map((name) => lock(name)));
    const any = fc.tuple(held, names).map(([locks, wanted]) => chain('x', locks, wanted));
    fc.assert(
      fc.property(fc.array(any, { maxLength: 80 }), (seen) => {
        const { lockdep } = note(seen);
        assert.ok(lockdep.orders.length <= ORDERS_MAX);
        assert.ok(lockdep.reports.length <= REPORTS_MAX);
        const pairs = Map.groupBy(lockdep.orders, ({ from, to }) => `${from} ${to}`);
        for (const orders of pairs.values()) assert.ok(orders.length <= GATES_PER_ORDER_MAX);
      }),
      { numRuns: 50 },
    );
    const many = Array.from({ length: 2 * HELD_MAX }, (_, n) => lock(`device_lock/memory${String(n)}`));
    const { lockdep } = note([chain('x', many, M.name)]);
    assert.ok(lockdep.orders.every(({ gates: all, chain: { held: kept } }) => all.length + kept.length < 2 * HELD_MAX));
  });
});

describe('lockdep in the lock table', () => {
  function reportsIn(play: LockPlay): number {
    return play.effects.filter(({ kind }) => kind === 'lockdep').length;
  }

  it('reports the inversion of add and online though timing is kind, once, and not with D around both', () => {
    const kind = LockPlay.opened();
    const gated = LockPlay.opened();
    for (const n of [1, 2]) {
      kind.request(`online${String(n)}/1`, L, M);
      kind.release(`online${String(n)}/1`);
      kind.request(`add${String(n)}/1`, M, L);
      kind.release(`add${String(n)}/1`);
      gated.request(`online${String(n)}/1`, D, L, M);
      gated.release(`online${String(n)}/1`);
      gated.request(`add${String(n)}/1`, D, M);
      gated.request(`add${String(n)}/2`, L);
      gated.release(`add${String(n)}/2`);
      gated.release(`add${String(n)}/1`);
    }
    assert.equal(reportsIn(kind), 1);
    assert.equal(reportsIn(gated), 0);
  });

  it('learns nothing from a trylock, which never waits', () => {
    const play = LockPlay.opened();
    play.requestWith('a/1', { tryLock: true }, L, M);
    assert.deepEqual(play.table.lockdep, EMPTY_LOCKDEP);
  });

  it('survives a recovery', () => {
    const play = LockPlay.opened();
    play.request('online/1', L, M);
    play.release('online/1');
    play.send({ kind: 'open', epoch: 2 });
    play.request('add/1', M, L);
    assert.equal(reportsIn(play), 1);
  });
});
