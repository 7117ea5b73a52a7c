import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { KeyedQueue, type KeyedQueueOptions } from '../../src/controller/keyed-queue.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('the keyed queue', () => {
  let clock: FakeClock;
  let processed: string[];
  let errors: [key: string, retryMs: number][];

  function queueOf(process: KeyedQueueOptions['process'], concurrency = 4): KeyedQueue {
    const onError: KeyedQueueOptions['onError'] = (key, _, retryMs) => errors.push([key, retryMs]);
    const errorBackoff = { baseMs: 100, maxMs: 1_000 };
    return new KeyedQueue({
      process(key) {
        processed.push(key);
        return process(key);
      },
      concurrency,
      onError,
      errorBackoff,
      clock,
    });
  }

  beforeEach(() => {
    clock = new FakeClock();
    processed = [];
    errors = [];
  });

  it('processes a key once however often it was added before its turn', async () => {
    const queue = queueOf(() => Promise.resolve(undefined));
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
    await nextTurn();
    assert.deepEqual(processed, ['a', 'b']);
  });

  it('processes a key again that was added while it was processed', async () => {
    const gate = Promise.withResolvers<undefined>();
    const queue = queueOf(() => gate.promise);
    queue.add('a');
    await nextTurn();
    queue.add('a');
    await nextTurn();
    assert.deepEqual(processed, ['a']);
    gate.resolve(undefined);
    await nextTurn();
    assert.deepEqual(processed, ['a', 'a']);
  });

  it('never processes one key twice at a time, never too many at once, and loses none', async () => {
    const adds = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), adds, fc.integer({ min: 1, max: 3 }), async (scheduler, keys, concurrency) => {
        const running = new Set<string>();
        const lastAdded = new Map<string, number>();
        const lastStarted = new Map<string, number>();
        let time = 0;
        const queue = queueOf(async (key) => {
          assert.ok(!running.has(key), `${key} twice at a time`);
          running.add(key);
          assert.ok(running.size <= concurrency);
          lastStarted.set(key, time++);
          await scheduler.schedule(Promise.resolve());
          running.delete(key);
          return undefined;
        }, concurrency);
        const adding = scheduler.scheduleSequence(
          keys.map((key) => () => {
            lastAdded.set(key, time++);
            queue.add(key);
            return Promise.resolve();
          }),
        );
        await scheduler.waitFor(adding.task);
        while (queue.size > 0) {
          await scheduler.waitIdle();
          await nextTurn();
        }
        for (const [key, added] of lastAdded) assert.ok((lastStarted.get(key) ?? -1) > added, `${key} was lost`);
        assert.deepEqual(errors, []);
      }),
      { numRuns: 50 },
    );
  });

  it('looks again after the time that was asked for, or at once when added before', async () => {
    let delayMs: number | undefined = 5_000;
    const queue = queueOf(() => Promise.resolve(delayMs));
    queue.add('a');
    await nextTurn();
    clock.advance(4_999);
    await nextTurn();
    assert.equal(processed.length, 1);
    delayMs = undefined;
    queue.add('a');
    await nextTurn();
    assert.equal(processed.length, 2);
    assert.equal(clock.pending, 0, 'the time that was asked for first no longer counts');
  });

  it('keeps the earliest of several times', async () => {
    const queue = queueOf(() => Promise.resolve(undefined));
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 500);
    queue.addAfter('a', 2_000);
    clock.advance(500);
    await nextTurn();
    clock.advance(5_000);
    await nextTurn();
    assert.deepEqual(processed, ['a']);
  });

  it('backs off per key after errors, and starts afresh after a success', async () => {
    let fails = true;
    const queue = queueOf((key) =>
      fails && key === 'a' ? Promise.reject(new Error('no')) : Promise.resolve(undefined),
    );
    queue.add('a');
    queue.add('b');
    for (const waitMs of [100, 200, 400, 800, 1_000]) {
      await nextTurn();
      assert.equal(errors.at(-1)?.[1], waitMs);
      clock.advance(waitMs);
    }
    fails = false;
    queue.add('a');
    await nextTurn();
    await nextTurn();
    fails = true;
    queue.add('a');
    await nextTurn();
    assert.equal(errors.at(-1)?.[1], 100);
    assert.ok(errors.every(([key]) => key === 'a'));
  });

  it('tells of every key when it was added, how long it waited, how long it took and how that ended', async () => {
    const told: unknown[] = [];
    const gate = Promise.withResolvers<undefined>();
    let outcome: () => Promise<number | undefined> = () => gate.promise;
    const queue = new KeyedQueue({
      process: () => outcome(),
      concurrency: 1,
      onError: () => undefined,
      errorBackoff: { baseMs: 100, maxMs: 1_000 },
      clock,
      metrics: {
        added: () => told.push('added'),
        retried: () => told.push('retried'),
        started: (waitedMs) => told.push(['started', waitedMs]),
        ended: (result, workedMs) => told.push(['ended', result, workedMs]),
      },
    });
    queue.add('a');
    queue.add('a');
    await nextTurn();
    clock.advance(30);
    queue.add('b');
    queue.add('a');
    assert.deepEqual(queue.state, { depth: 2, runningMs: [30] }, 'b waits, and a again');
    clock.advance(10);
    outcome = () => Promise.reject(new Error('no'));
    gate.resolve(undefined);
    for (let turn = 0; turn < 4; turn++) await nextTurn();
    assert.deepEqual(queue.state, { depth: 0, runningMs: [] });
    assert.deepEqual(told, [
      ...['added', ['started', 0]],
      ...['added', 'added', ['ended', 'success', 40]],
      ...[['started', 10], ['ended', 'error', 0], 'retried'],
      ...[['started', 10], ['ended', 'error', 0], 'retried'],
    ]);
    outcome = () => Promise.resolve(5_000);
    told.length = 0;
    clock.advance(100);
    await nextTurn();
    const again = [['started', 0], ['ended', 'requeue_after', 0], 'retried'];
    assert.deepEqual(told, ['added', 'added', ['started', 0], ['ended', 'requeue_after', 0], 'retried', ...again]);
    await queue.drain();
  });

  it('drains: lets what runs end, starts nothing more', async () => {
    const gate = Promise.withResolvers<undefined>();
    const queue = queueOf(() => gate.promise, 1);
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 100);
    await nextTurn();
    const drained = queue.drain();
    queue.add('d');
    clock.advance(1_000);
    gate.resolve(undefined);
    await drained;
    await nextTurn();
    assert.deepEqual(processed, ['a']);
    assert.equal(queue.size, 0);
  });
});
