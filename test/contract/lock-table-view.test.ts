import assert from 'node:assert/strict';
import { describeLockTable, viewLockTable } from '../../src/contract/lock-table-view.ts';
import { D, L, LockPlay, M, MR } from '../support/lock-play.ts';

function busyTable(): LockPlay {
  const play = LockPlay.opened();
  play.request('online memory32/1', D, L, M);
  play.nowMs = 5_000;
  play.request('add 0x100000000/1', D);
  play.request('reader/1', MR);
  return play;
}

describe('view of a lock table', () => {
  it('names every lock with its holders and waiters, since when, and the tokens of holders', () => {
    const { table } = busyTable();
    const view = viewLockTable('worker-1', table);
    assert.deepEqual(
      view.locks.map(({ name }) => name),
      [D.name, L.name, M.name],
    );
    const [holder] = view.locks[0]?.holders ?? [];
    const held = table.requests[0]?.held.find(({ name }) => name === D.name);
    assert.deepEqual(holder, {
      workflowId: 'wf-online memory32',
      runId: 'online memory32',
      purpose: 'online memory32',
      mode: 'write',
      since: '1970-01-01T00:00:00.000Z',
      token: held?.token,
    });
    const [waiter] = view.locks[2]?.waiters ?? [];
    assert.equal(waiter?.purpose, 'reader');
    assert.equal(waiter.mode, 'read');
    assert.equal(waiter.since, '1970-01-01T00:00:05.000Z');
    assert.equal(waiter.token, undefined);
  });

  it('lists a request that holds while it waits under both locks', () => {
    const play = LockPlay.opened();
    play.request('a/1', L);
    play.request('b/1', D, L);
    const { locks } = viewLockTable('n', play.table);
    const places = locks.map(({ name, holders, waiters }) => [
      name,
      holders.map(({ purpose }) => purpose),
      waiters.map(({ purpose }) => purpose),
    ]);
    assert.deepEqual(places, [
      [D.name, ['b'], []],
      [L.name, ['a'], ['b']],
    ]);
  });

  it('names each order of classes once, and what lockdep reported', () => {
    const play = LockPlay.opened();
    play.request('a/1', L, M);
    play.release('a/1');
    play.request('b/1', D, L, M);
    play.release('b/1');
    const { orders, lockdep } = viewLockTable('n', play.table);
    assert.deepEqual(orders.map(({ from, to }) => `${from} → ${to}`).sort(), [
      'device_hotplug_lock → device_lock',
      'device_hotplug_lock → mem_hotplug_lock',
      'device_lock → mem_hotplug_lock',
    ]);
    assert.deepEqual(lockdep, []);
  });

  it('is plain JSON', () => {
    const view = viewLockTable('n', busyTable().table, { unsettled: 'the agent is away' });
    assert.deepEqual(JSON.parse(JSON.stringify(view)), view);
  });
});

describe('description of a lock table', () => {
  it('is a table of who holds and who waits', () => {
    const text = describeLockTable(viewLockTable('worker-1', busyTable().table));
    assert.match(text, /^\| lock \| held by \| waiting \|$/m);
    assert.match(
      text,
      /^\| device_hotplug_lock \| online memory32 \(write\), token \d+ \| add 0x100000000 \(write\) \|$/m,
    );
    assert.match(text, /^\| mem_hotplug_lock \| online memory32 \(write\), token \d+ \| reader \(read\) \|$/m);
  });

  it('says that nothing is held, that it recovers, and why closed holders keep their locks', () => {
    const idle = LockPlay.opened();
    assert.equal(describeLockTable(viewLockTable('worker-1', idle.table)), 'No lock of worker-1 is held (epoch 1).');
    const recovering = describeLockTable(viewLockTable('worker-1', new LockPlay().table, { refused: 'no epoch' }));
    assert.match(recovering, /Recovering: nothing is granted[^]*\n\nno epoch$/);
    const play = busyTable();
    play.send({ kind: 'closed', runId: 'online memory32' });
    const text = describeLockTable(
      viewLockTable('n', play.table, { unsettled: 'the agent of n has not answered for 10 s' }),
    );
    assert.match(text, /online memory32 \(write\), token \d+, closed: not settled yet/);
    assert.match(text, /Closed holders are not settled: the agent of n has not answered for 10 s/);
  });

  it('marks holders that are not heard of, and tells what lockdep found', () => {
    const play = LockPlay.opened();
    play.request('a/1', L, M);
    play.release('a/1');
    play.request('b/1', M, L);
    play.send({ kind: 'suspect', id: 'b/1', reason: 'its terminal is gone' });
    const text = describeLockTable(viewLockTable('n', play.table));
    assert.match(text, /, suspect: its terminal is gone/);
    assert.match(text, /lockdep: possible circular locking dependency: .*a held device_lock\/memory32/);
  });

  it('keeps its columns whatever a purpose says', () => {
    const play = LockPlay.opened();
    play.request('a | b/1', D);
    assert.match(describeLockTable(viewLockTable('n', play.table)), /^\| device_hotplug_lock \| a \\\| b \(write\)/m);
  });
});
