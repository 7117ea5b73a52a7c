import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LockRequestState, LockTable } from '../../src/kernel/lock-queue.ts';
import type { WantedLock } from '../../src/kernel/lock.ts';
import { applyLockEvent, EMPTY_LOCK_TABLE } from '../../src/kernel/lock-table.ts';
import { findCycle } from '../../src/kernel/wait-for.ts';
import { LOCK_NAMES, lockHistories } from '../support/lock-events.ts';
import { isOnCycle } from '../support/lock-oracle.ts';
import { answersIn, D, L, LockPlay, M, MR } from '../support/lock-play.ts';

describe('EDEADLK', () => {
  it('is answered, naming both chains, to the request that closes the inversion of add and online', () => {
    const play = LockPlay.opened();
    play.request('add/1', M);
    play.request('online/1', L);
    assert.deepEqual(answersIn(play.request('online/2', M)), []);
    const denied = play.request('add/2', L).find((effect) => effect.kind === 'deny');
    assert.equal(denied?.errno, 'EDEADLK');
    assert.deepEqual(
      denied.cycle?.map((link) => [link.runId, link.holds, link.waitsFor]),
      [
        ['add', [M.name], L.name],
        ['online', [L.name], M.name],
      ],
    );
    assert.match(denied.message, /add holds mem_hotplug_lock and waits for device_lock\/memory32/);
    assert.match(denied.message, /online holds device_lock\/memory32 and waits for mem_hotplug_lock/);
    assert.deepEqual(answersIn(play.release('add/1')), ['grant online/2'], 'the refused request left nothing behind');
  });

  it('is answered over three runs', () => {
    const play = LockPlay.opened();
    play.request('a/1', D);
    play.request('b/1', L);
    play.request('c/1', M);
    assert.deepEqual(answersIn(play.request('a/2', L)), []);
    assert.deepEqual(answersIn(play.request('b/2', M)), []);
    assert.deepEqual(answersIn(play.request('c/2', D)), ['deny c/2 EDEADLK']);
  });

  it('is answered to a list that closes a cycle only when it advances', () => {
    const play = LockPlay.opened();
    play.request('x/1', D);
    play.request('a/1', M);
    play.request('b/1', L);
    play.request('a/2', D, L);
    play.request('b/2', M);
    assert.deepEqual(answersIn(play.release('x/1')), ['deny a/2 EDEADLK']);
  });

  for (const [title, first, second] of [
    ['D under own D', D, D],
    ['M:r under own M:w', M, MR],
    ['an upgrade from M:r to M:w', MR, M],
  ] as const) {
    it(`is answered to ${title}`, () => {
      const play = LockPlay.opened();
      play.request('a/1', first);
      assert.deepEqual(answersIn(play.request('a/2', second)), ['deny a/2 EDEADLK']);
    });
  }

  it('is answered to a nested read while a writer waits, and not while none does (row 86)', () => {
    const play = LockPlay.opened();
    play.request('a/1', MR);
    assert.deepEqual(answersIn(play.request('a/2', MR)), ['grant a/2']);
    play.release('a/2');
    play.request('w', M);
    assert.deepEqual(answersIn(play.request('a/3', MR)), ['deny a/3 EDEADLK']);
  });

  it('is answered to a plugin that asks for what the operation that waits for it holds', () => {
    const play = LockPlay.opened();
    play.request('op/1', D, M);
    const effects = play.requestWith('plugin/1', { causedBy: 'wf-op' }, MR);
    assert.deepEqual(answersIn(effects), ['deny plugin/1 EDEADLK']);
    const denied = effects.find((effect) => effect.kind === 'deny');
    assert.match(denied?.message ?? '', /op holds .* and waits for its plugin \(plugin\)/);
    assert.deepEqual(answersIn(play.requestWith('plugin/2', { causedBy: 'wf-op' }, L)), ['grant plugin/2']);
  });

  it('is answered to a plugin that waits for somebody who waits for its operation', () => {
    const play = LockPlay.opened();
    play.request('op/1', M);
    play.request('other/1', L);
    play.request('other/2', M);
    assert.deepEqual(answersIn(play.requestWith('plugin/1', { causedBy: 'wf-op' }, L)), ['deny plugin/1 EDEADLK']);
  });

  it('is answered to the plugin of a plugin', () => {
    const play = LockPlay.opened();
    play.request('op/1', D);
    play.requestWith('plugin/1', { causedBy: 'wf-op' }, L);
    assert.deepEqual(answersIn(play.requestWith('deeper/1', { causedBy: 'wf-plugin' }, D)), ['deny deeper/1 EDEADLK']);
  });

  it('is answered to the operation whose plugin waits already', () => {
    const play = LockPlay.opened();
    play.request('other/1', L);
    play.request('op/1', D);
    play.requestWith('plugin/1', { causedBy: 'wf-op' }, L, M);
    play.request('other/2', D);
    assert.deepEqual(answersIn(play.effects).slice(2), ['deny other/2 EDEADLK']);
  });

  it('is answered where a request that could be granted makes its operation wait for a run that waits for it', () => {
    const play = LockPlay.opened();
    play.request('op/1', D);
    play.request('plugin/1', D);
    assert.deepEqual(answersIn(play.requestWith('plugin/2', { causedBy: 'wf-op' }, L)), ['deny plugin/2 EDEADLK']);
  });
});

describe('wait-for graph', () => {
  const hypothetical = fc.record({
    run: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    name: fc.constantFrom(...LOCK_NAMES),
    mode: fc.constantFrom<WantedLock['mode'][]>('read', 'write'),
    causedBy: fc.option(fc.constantFrom('wf-a', 'wf-b'), { nil: undefined }),
  });

  function waiting({ run, name, mode, causedBy }: typeof hypothetical extends fc.Arbitrary<infer T> ? T : never) {
    return (table: LockTable): LockRequestState => ({
      id: `${run}/new`,
      holder: { workflowId: `wf-${run}`, runId: run },
      purpose: run,
      held: [],
      pending: [{ name, mode }],
      ticket: table.nextTicket,
      sinceMs: 0,
      ...(causedBy === undefined ? {} : { causedBy }),
    });
  }

  it('has a cycle through a request exactly where brute force finds one', () => {
    let found = 0;
    fc.assert(
      fc.property(lockHistories, hypothetical, (events, wish) => {
        const before = events.reduce((table, event) => applyLockEvent(table, event).table, EMPTY_LOCK_TABLE);
        const request = waiting(wish)(before);
        const table = { ...before, requests: [...before.requests, request] };
        const cycle = findCycle(table, request);
        assert.equal(cycle !== undefined, isOnCycle(table, wish.run));
        if (!cycle) return;
        found += 1;
        assert.equal(cycle[0]?.runId, wish.run);
        assert.equal(new Set(cycle.map(({ runId }) => runId)).size, cycle.length, 'a run is named twice');
      }),
      { numRuns: 2_000 },
    );
    assert.ok(found > 50, `only ${String(found)} cycles were tried`);
  });
});
