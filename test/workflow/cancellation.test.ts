import assert from 'node:assert/strict';
import type { OperationRequest } from '../../src/contract/operations.ts';
import { DEVICE_HOTPLUG_LOCK } from '../../src/contract/lock-names.ts';
import { eventually } from '../support/eventually.ts';
import { eventsOf } from '../support/history-story.ts';
import { OperationStage, registered, type Running } from '../support/operation-stage.ts';
import { BLOCK_SIZE, ScriptedNode } from '../support/scripted-node.ts';

describe('cancelled, late and lonely operations', function () {
  this.timeout(60_000);
  let stage: OperationStage;

  beforeEach(() => {
    stage = new OperationStage(new ScriptedNode('worker-1', { 30: 'offline', 31: 'online', 32: 'offline' }));
    stage.notifiers = [registered('guard')];
  });
  afterEach(() => stage.close());

  const online = (more: object = {}): OperationRequest => ({
    type: 'online',
    input: { ...stage.base, blockId: 30, onlineType: 'online', ...more },
  });
  const offline = (): OperationRequest => ({
    type: 'offline',
    input: { ...stage.base, blockId: 31, offlineTimeoutMs: 30_000 },
  });

  async function waitsForD(run: Running): Promise<void> {
    await eventually('the run waits for device_hotplug_lock', async () => {
      const { locks } = await stage.lockTable();
      return locks.some((lock) => lock.name === DEVICE_HOTPLUG_LOCK && lock.waiters.some((w) => w.runId === run.runId));
    });
  }

  async function cancellationIsRecorded(run: Running): Promise<void> {
    await eventually('the cancellation is recorded', async () => {
      const events = await eventsOf(stage.client, run.workflowId, run.runId);
      return events.some((event) => event.workflowExecutionCancelRequestedEventAttributes);
    });
  }

  async function assertAllFree(): Promise<void> {
    await eventually('all locks are free', async () => (await stage.lockTable()).locks.length === 0);
  }

  it('cancelled while it waits for locks, an operation is superseded, and leaves the queue without asking anybody', async () => {
    await stage.open();
    const held = stage.node.holdAt('offline.prepare');
    const first = await stage.start(offline());
    await held.reached;
    const second = await stage.start(online());
    await waitsForD(second);
    await second.cancel();
    assert.equal((await second.result()).result, 'Superseded');
    held.letGo();
    assert.equal((await first.result()).result, 'Succeeded');
    assert.ok(stage.asked.every((event) => event.runId === first.runId));
    await assertAllFree();
  });

  it('an offline cancelled while pages migrate answers EINTR, undoes, and sends MEM_CANCEL_OFFLINE (row 52)', async () => {
    await stage.open();
    const held = stage.node.holdAt('offline.commit');
    const run = await stage.start(offline());
    await held.reached;
    await run.cancel();
    const { result, errno } = await run.result();
    assert.deepEqual([result, errno], ['Failed', 'EINTR']);
    assert.deepEqual(stage.node.steps, ['offline.prepare', 'offline.commit', 'offline.abort', 'offline.finish']);
    assert.deepEqual(
      stage.asked.map((event) => event.action),
      ['MEM_GOING_OFFLINE', 'MEM_CANCEL_OFFLINE'],
    );
    assert.equal(stage.node.states.get(31), 'online');
    await assertAllFree();
  });

  it('an offline cancelled while plugins are asked never begins to migrate', async () => {
    await stage.open();
    const asked = Promise.withResolvers<undefined>();
    const answer = Promise.withResolvers<undefined>();
    stage.ask = async () => {
      asked.resolve(undefined);
      await answer.promise;
      return { kind: 'answer', answer: { result: 'NOTIFY_OK' } };
    };
    const run = await stage.start(offline());
    await asked.promise;
    await run.cancel();
    await cancellationIsRecorded(run);
    answer.resolve(undefined);
    assert.equal((await run.result()).errno, 'EINTR');
    assert.deepEqual(stage.node.steps, ['offline.prepare', 'offline.abort', 'offline.finish']);
  });

  for (const [type, request, step] of [
    ['online', online, 'online.prepare'],
    ['add', () => addition(), 'add.prepare'],
    ['remove', () => removal(), 'remove.prepare'],
  ] as const) {
    it(`${type} that holds its locks ignores cancellation`, async () => {
      await stage.open();
      const held = stage.node.holdAt(step);
      const run = await stage.start(request());
      await held.reached;
      await run.cancel();
      await cancellationIsRecorded(run);
      // The step itself must not be cancelled either: it would have ended by now.
      held.letGo();
      assert.equal((await run.result()).result, 'Succeeded');
      await assertAllFree();
    });
  }

  const addition = (): OperationRequest => ({
    type: 'add',
    input: { ...stage.base, range: { start: 40 * BLOCK_SIZE, size: BLOCK_SIZE } },
  });
  const removal = (): OperationRequest => ({
    type: 'remove',
    input: { ...stage.base, range: { start: 32 * BLOCK_SIZE, size: BLOCK_SIZE } },
  });

  it('a lock timeout gives everything back and is an outcome', async () => {
    await stage.open();
    const held = stage.node.holdAt('offline.prepare');
    const first = await stage.start(offline());
    await held.reached;
    const { result, errno, cause } = await (await stage.start(online({ lockTimeoutMs: 300 }))).result();
    assert.deepEqual([result, errno, cause], ['Failed', 'ETIMEDOUT', 'LockTimeout']);
    held.letGo();
    await first.result();
    await assertAllFree();
  });

  it('a terminated waiter does not stop the queue behind it', async () => {
    await stage.open();
    const held = stage.node.holdAt('offline.prepare');
    const holder = await stage.start(offline());
    await held.reached;
    const dead = await stage.start(online());
    await waitsForD(dead);
    const behind = await stage.start(online());
    await waitsForD(behind);
    await dead.terminate();
    held.letGo();
    await holder.result();
    assert.equal((await behind.result()).result, 'Succeeded');
    await assertAllFree();
  });

  it('without an agent nothing is begun: AgentUnavailable, and D is free again', async () => {
    await stage.open({ withoutAgent: true });
    const timings = { ...stage.base.timings, agentStartMs: 300 };
    const { result, cause, message } = await (await stage.start(online({ timings }))).result();
    assert.deepEqual([result, cause], ['Failed', 'AgentUnavailable']);
    assert.match(message, /agent of worker-1 has not answered for 0\.3 s/);
    assert.deepEqual(stage.node.steps, []);
    await assertAllFree();
  });

  it('a plugin that is silent is a veto of a GOING action, and cannot use up more than the whole chain may take', async () => {
    await stage.open();
    stage.notifiers = [
      registered('silent', { timeoutMs: 200, failurePolicy: 'Ignore' }),
      registered('late', { priority: -1 }),
    ];
    stage.ask = async (notifier) => {
      if (notifier.name === 'silent') await new Promise((resolve) => setTimeout(resolve, 400));
      return notifier.name === 'silent'
        ? { kind: 'error', message: 'timed out after 0.2 s', timedOut: true }
        : { kind: 'answer', answer: { result: 'NOTIFY_OK' } };
    };
    const timings = { ...stage.base.timings, chainMs: 300 };
    const { result, errno, message, notifiers } = await (await stage.start(online({ timings }))).result();
    assert.deepEqual([result, errno], ['Vetoed', 'ETIMEDOUT']);
    assert.match(message, /vetoed by late .*deadline of the whole chain has passed/);
    assert.equal(notifiers[0]?.name, 'silent');
  });

  for (const [how, skewMs] of [
    ['ahead', 3_600_000],
    ['behind', -3_600_000],
  ] as const) {
    it(`an operator whose clock is an hour ${how} asks all the same, with deadlines by that clock`, async () => {
      await stage.open();
      const wallMs = (): number => Date.now() + skewMs;
      stage.clock = { monotonicMs: () => performance.now() + skewMs, wallMs };
      stage.notifiers = [registered('here', { timeoutMs: 5_000 })];
      const leftMs: number[] = [];
      stage.ask = (_notifier, { deadline }) => {
        leftMs.push(Date.parse(deadline) - wallMs());
        return { kind: 'answer', answer: { result: 'NOTIFY_OK' } };
      };
      assert.equal((await (await stage.start(online())).result()).result, 'Succeeded');
      assert.equal(leftMs.length, 2);
      assert.ok(
        leftMs.every((ms) => ms > 4_000 && ms <= 5_000),
        leftMs.join(),
      );
    });
  }

  it('an activity that is tried again has no more time for its plugins than the first attempt left', async () => {
    await stage.open();
    stage.notifiers = [registered('here', { timeoutMs: 30_000, actions: ['MEM_GOING_ONLINE'] })];
    stage.ask = async () => {
      if (stage.asked.length > 1) return { kind: 'answer', answer: { result: 'NOTIFY_OK' } };
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      throw new Error('the operator breaks down');
    };
    assert.equal((await (await stage.start(online())).result()).result, 'Succeeded');
    const [first = NaN, second = NaN] = stage.asked.map(({ deadline }) => Date.parse(deadline));
    // They differ by how long it took until a worker had the activity.
    assert.ok(Math.abs(second - first) < 750, `${String(second - first)} ms later`);
  });

  it('the lock entity continues as new under load and loses nothing', async () => {
    await stage.open();
    await stage.startLockEntity({ historyLengthMax: 60 });
    stage.notifiers = [];
    const runs = await Promise.all(Array.from({ length: 12 }, () => stage.start(online())));
    const outcomes = await Promise.all(runs.map((run) => run.result()));
    assert.deepEqual(
      outcomes.filter((outcome) => outcome.result !== 'Succeeded'),
      [],
    );
    await assertAllFree();
    const tokens = outcomes.map((outcome) => outcome.fencingToken ?? 0);
    assert.equal(new Set(tokens).size, runs.length, 'no token was granted twice');
    assert.ok((await stage.lockEntityRuns()) > 1, 'it did continue as new');
  });
});
