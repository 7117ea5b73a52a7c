import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NotifierCall } from '../../src/contract/notifier-calls.ts';
import type { LastCall } from '../../src/contract/resources.ts';
import { LastCalls } from '../../src/operator/last-calls.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { leaveOut } from '../../src/controller/leave-out.ts';

const CALL: NotifierCall = {
  name: 'guard',
  action: 'MEM_GOING_OFFLINE',
  result: 'NOTIFY_BAD',
  errno: 'EBUSY',
  reason: 'full',
  node: 'worker-1',
  blockId: 32,
  durationMs: 20,
};

const AGREED: NotifierCall = { ...leaveOut(CALL, 'errno', 'reason'), result: 'NOTIFY_OK' };
const LATER: NotifierCall = { ...AGREED, action: 'MEM_ONLINE' };

describe('the last call of a notifier', () => {
  let clock: FakeClock;
  let writes: [notifier: string, lastCall: LastCall][];
  let warnings: object[];
  /** What the API server does with a write. */
  let serve: () => Promise<void>;
  let lastCalls: LastCalls;

  beforeEach(() => {
    clock = new FakeClock();
    writes = [];
    warnings = [];
    serve = () => Promise.resolve();
    const ignore = (): undefined => undefined;
    const log = {
      debug: ignore,
      info: ignore,
      error: ignore,
      warn: (_: string, fields: object) => warnings.push(fields),
    };
    const write = (notifier: string, lastCall: LastCall): Promise<void> => {
      writes.push([notifier, lastCall]);
      return serve();
    };
    lastCalls = new LastCalls({ write, log, clock });
  });
  afterEach(async () => {
    await lastCalls.close();
    assert.equal(clock.pending, 0);
  });

  async function pass(durationMs: number): Promise<void> {
    clock.advance(durationMs);
    for (let turn = 0; turn < 5; turn++) await nextTurn();
  }
  const written = (): string[] => writes.map(([notifier, { action }]) => `${notifier} ${action}`);

  it('says when, about which block, and what was answered', async () => {
    lastCalls.called(CALL);
    await pass(1_000);
    const { name, durationMs, ...shown } = CALL;
    assert.deepEqual(writes, [[name, { ...shown, time: '2026-01-01T12:00:00.000Z' }]]);
    assert.ok(durationMs > 0, 'which is a metric, and not shown');
  });

  it('is written a second later, of many calls only the last, each notifier for itself', async () => {
    lastCalls.called(CALL);
    await pass(900);
    lastCalls.called(LATER);
    lastCalls.called({ ...CALL, name: 'window' });
    assert.deepEqual(written(), []);
    await pass(100);
    assert.deepEqual(written(), ['guard MEM_ONLINE']);
    await pass(900);
    assert.deepEqual(written(), ['guard MEM_ONLINE', 'window MEM_GOING_OFFLINE']);
  });

  it('stays a veto when the vetoer is told that the operation is off, and not when anybody else is, or fails', async () => {
    const cancelled: NotifierCall = { ...AGREED, action: 'MEM_CANCEL_OFFLINE' };
    const shownAfter = async (...calls: readonly NotifierCall[]): Promise<string | undefined> => {
      for (const call of calls) lastCalls.called(call);
      await pass(1_000);
      const last = writes.at(-1)?.[1];
      return last && `${last.action} ${last.result} memory${String(last.blockId)}`;
    };
    assert.equal(await shownAfter(CALL, cancelled), 'MEM_GOING_OFFLINE NOTIFY_BAD memory32');
    assert.equal(await shownAfter(CALL), 'MEM_GOING_OFFLINE NOTIFY_BAD memory32');
    const before = writes.length;
    await shownAfter(cancelled);
    assert.equal(writes.length, before, 'the veto had been written already');
    assert.equal(await shownAfter(CALL, { ...cancelled, blockId: 33 }), 'MEM_CANCEL_OFFLINE NOTIFY_OK memory33');
    assert.equal(await shownAfter(CALL, { ...cancelled, result: 'Error' }), 'MEM_CANCEL_OFFLINE Error memory32');
    assert.equal(await shownAfter(AGREED, cancelled), 'MEM_CANCEL_OFFLINE NOTIFY_OK memory32');
    assert.equal(await shownAfter(CALL, cancelled, cancelled), 'MEM_CANCEL_OFFLINE NOTIFY_OK memory32');
  });

  it('costs at most one write a second while the notifier is called all the time, and none when it is not', async () => {
    for (let tenth = 0; tenth < 100; tenth++) {
      lastCalls.called(CALL);
      await pass(100);
    }
    assert.ok(writes.length >= 9 && writes.length <= 10, String(writes.length));
    await pass(1_000);
    const before = writes.length;
    await pass(3_600_000);
    assert.equal(writes.length, before);
  });

  it('is never written twice at a time, so that an older one cannot replace a newer one', async () => {
    const answer = Promise.withResolvers<undefined>();
    serve = () => answer.promise;
    lastCalls.called(CALL);
    await pass(1_000);
    lastCalls.called(LATER);
    await pass(10_000);
    assert.deepEqual(written(), ['guard MEM_GOING_OFFLINE']);
    answer.resolve(undefined);
    await pass(0);
    assert.deepEqual(written(), ['guard MEM_GOING_OFFLINE', 'guard MEM_ONLINE']);
  });

  it('that could not be written is told once and not tried again; the next one is written', async () => {
    serve = () => Promise.reject(new Error('the API server cannot be reached'));
    lastCalls.called(CALL);
    await pass(3_600_000);
    assert.equal(writes.length, 1);
    assert.deepEqual(warnings, [{ notifier: 'guard', error: new Error('the API server cannot be reached') }]);
    serve = () => Promise.resolve();
    lastCalls.called(LATER);
    await pass(1_000);
    assert.deepEqual(written(), ['guard MEM_GOING_OFFLINE', 'guard MEM_ONLINE']);
  });

  it('fits into the object, however much was said', async () => {
    lastCalls.called({ ...CALL, reason: 'x'.repeat(100_000) });
    await pass(1_000);
    assert.equal(writes[0]?.[1].reason?.length, 1024);
  });

  it('is written when the process ends, and that ends although nobody answers but with an error', async () => {
    serve = () => Promise.reject(new Error('gone'));
    lastCalls.called(CALL);
    lastCalls.called({ ...CALL, name: 'window' });
    await lastCalls.close();
    assert.deepEqual(written().sort(), ['guard MEM_GOING_OFFLINE', 'window MEM_GOING_OFFLINE']);
    lastCalls.called(CALL);
    await pass(10_000);
    assert.equal(writes.length, 2);
  });
});
