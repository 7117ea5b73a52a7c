import assert from 'node:assert/strict';
import type { OperationRequest } from '../../src/contract/operations.ts';
import { eventsOf, storyOf } from '../support/history-story.ts';
import { eventually } from '../support/eventually.ts';
import { OperationStage, registered, type Running } from '../support/operation-stage.ts';
import { BLOCK_SIZE, ScriptedNode } from '../support/scripted-node.ts';

const D = 'device_hotplug_lock';
const M = 'mem_hotplug_lock';
const L32 = 'device_lock/memory32';
const L33 = 'device_lock/memory33';

describe('sequences of operations', function () {
  this.timeout(60_000);
  let stage: OperationStage;

  beforeEach(async () => {
    stage = await new OperationStage(
      new ScriptedNode('worker-1', { 29: 'offline', 30: 'offline', 31: 'online' }),
    ).open();
    stage.notifiers = [registered('first', { priority: 10 }), registered('second')];
  });
  afterEach(() => stage.close());

  const range = { start: 32 * BLOCK_SIZE, size: 2 * BLOCK_SIZE };
  const online = (blockId = 30): OperationRequest => ({
    type: 'online',
    input: { ...stage.base, blockId, onlineType: 'online_movable' },
  });
  const offline = (blockId = 31): OperationRequest => ({
    type: 'offline',
    input: { ...stage.base, blockId, offlineTimeoutMs: 10_000 },
  });
  const one = { start: 29 * BLOCK_SIZE, size: BLOCK_SIZE };
  const add = (): OperationRequest => ({ type: 'add', input: { ...stage.base, range } });
  const remove = (): OperationRequest => ({ type: 'remove', input: { ...stage.base, range } });

  async function play(
    request: OperationRequest,
  ): Promise<{ run: Running; story: string[] } & Awaited<ReturnType<Running['result']>>> {
    const run = await stage.start(request);
    const outcome = await run.result();
    return { ...outcome, run, story: await storyOf(stage.client, run.workflowId, run.runId) };
  }

  async function assertAllFree(): Promise<void> {
    await eventually('all locks are free', async () => (await stage.lockTable()).locks.length === 0);
  }

  it('online: D → L → M, GOING → commit → ONLINE, drop M, state, drop L and D', async () => {
    const { result, story } = await play(online());
    assert.equal(result, 'Succeeded');
    assert.deepEqual(story, [
      `take ${D} → device_lock/memory30 → ${M}`,
      `granted ${D}, device_lock/memory30, ${M}`,
      'look at worker-1',
      'look again: memory30 is offline',
      'mem_hotplug_begin',
      'prepare online memory30',
      'MEM_GOING_ONLINE → first, second',
      'commit online memory30',
      'MEM_ONLINE → first, second',
      `release ${M}`,
      'finish online memory30',
      `release device_lock/memory30, ${D}`,
    ]);
    await assertAllFree();
  });

  it('offline: D → L → M, isolate, GOING → migrate → OFFLINE, drop M, state, drop L and D', async () => {
    const { result, story } = await play(offline());
    assert.equal(result, 'Succeeded');
    assert.deepEqual(story, [
      `take ${D} → device_lock/memory31 → ${M}`,
      `granted ${D}, device_lock/memory31, ${M}`,
      'look at worker-1',
      'look again: memory31 is online',
      'mem_hotplug_begin',
      'prepare offline memory31',
      'MEM_GOING_OFFLINE → first, second',
      'commit offline memory31',
      'MEM_OFFLINE → first, second',
      `release ${M}`,
      'finish offline memory31',
      `release device_lock/memory31, ${D}`,
    ]);
    await assertAllFree();
  });

  it('add: D, claim → M, each block published before its L is taken and dropped → drop M → drop D; no notifier', async () => {
    const { result, story } = await play(add());
    assert.equal(result, 'Succeeded');
    assert.deepEqual(story, [
      `take ${D}`,
      `granted ${D}`,
      'look at worker-1',
      'look again: memory32 is absent',
      'prepare add 0x100000000',
      `take ${M}`,
      `granted ${M}`,
      'mem_hotplug_begin',
      'commit add memory32',
      `take ${L32}`,
      `granted ${L32}`,
      `release ${L32}`,
      'commit add memory33',
      `take ${L33}`,
      `granted ${L33}`,
      `release ${L33}`,
      `release ${M}`,
      'finish add 0x100000000',
      `release ${D}`,
    ]);
    await assertAllFree();
  });

  it('add: auto-online happens after M is dropped, under D, and stops at the first failure, which add ignores (rows 20, 21)', async () => {
    stage.autoOnline = 'online_movable';
    stage.notifiers = [registered('guard', { actions: ['MEM_GOING_ONLINE'] })];
    stage.ask = (_notifier, event) =>
      event.blockId === 32
        ? { kind: 'answer', answer: { result: 'NOTIFY_BAD', errno: 'EBUSY' } }
        : { kind: 'answer', answer: { result: 'NOTIFY_OK' } };
    const { result, story } = await play(add());
    assert.equal(result, 'Succeeded');
    assert.deepEqual(story.slice(story.lastIndexOf('finish add 0x100000000')), [
      'finish add 0x100000000',
      `take ${L32} → ${M}`,
      `granted ${L32}, ${M}`,
      'mem_hotplug_begin',
      'prepare online memory32',
      'MEM_GOING_ONLINE → guard',
      'abort online memory32',
      `release ${M}`,
      'finish online memory32',
      `release ${L32}`,
      `release ${D}`,
    ]);
    assert.deepEqual([stage.node.states.get(32), stage.node.states.get(33)], ['offline', 'offline']);
  });

  it('remove: D, every block offline → M, each device gone under its L, then the mapping → drop M and D; no notifier', async () => {
    stage.node.states.set(32, 'offline').set(33, 'offline');
    const { result, story } = await play(remove());
    assert.equal(result, 'Succeeded');
    assert.deepEqual(story, [
      `take ${D}`,
      `granted ${D}`,
      'look at worker-1',
      'look again: memory32 is offline',
      'prepare remove 0x100000000',
      `take ${M}`,
      `granted ${M}`,
      'mem_hotplug_begin',
      `take ${L32}`,
      `granted ${L32}`,
      'commit remove memory32',
      `release ${L32}`,
      `take ${L33}`,
      `granted ${L33}`,
      'commit remove memory33',
      `release ${L33}`,
      'finish remove 0x100000000',
      'mem_hotplug_done',
      `release ${M}, ${D}`,
    ]);
    await assertAllFree();
  });

  for (const [type, request, going, cancel] of [
    ['online', online, 'MEM_GOING_ONLINE', 'MEM_CANCEL_ONLINE'],
    ['offline', offline, 'MEM_GOING_OFFLINE', 'MEM_CANCEL_OFFLINE'],
  ] as const) {
    it(`${type}: a veto undoes first, then cancels the whole chain, and is an outcome with its author (rows 71, 74, 75)`, async () => {
      const before = new Map(stage.node.states);
      stage.notifiers = ['accepts', 'vetoes', 'never-asked'].map((name, index) =>
        registered(name, { priority: -index }),
      );
      stage.ask = (notifier, event) => ({
        kind: 'answer',
        answer:
          notifier.name === 'vetoes' && event.action === going
            ? { result: 'NOTIFY_BAD', errno: 'EBUSY', reason: 'pages are pinned', retryAfterSeconds: 7 }
            : { result: 'NOTIFY_OK' },
      });
      const { result, errno, message, retryAfterSeconds, story, notifiers } = await play(request());
      assert.deepEqual([result, errno, retryAfterSeconds], ['Vetoed', 'EBUSY', 7]);
      assert.equal(message, `vetoed by vetoes at ${going} (EBUSY): pages are pinned`);
      const chain = 'accepts, vetoes, never-asked';
      const from = story.indexOf(`${going} → ${chain}`);
      const id = type === 'online' ? 30 : 31;
      assert.deepEqual(story.slice(from), [
        `${going} → ${chain}`,
        `abort ${type} memory${String(id)}`,
        `${cancel} → ${chain}`,
        `release ${M}`,
        `finish ${type} memory${String(id)}`,
        `release device_lock/memory${String(id)}, ${D}`,
      ]);
      const told = [
        ['accepts', going, 'NOTIFY_OK'],
        ['vetoes', going, 'NOTIFY_BAD'],
        ['accepts', cancel, 'NOTIFY_OK'],
        ['vetoes', cancel, 'NOTIFY_OK'],
        ['never-asked', cancel, 'NOTIFY_OK'],
      ];
      assert.deepEqual(
        notifiers.map((call) => [call.name, call.action, call.result]),
        told,
      );
      assert.deepEqual(
        stage.asked.map((event) => [event.notifier, event.action]),
        told.map(([name, action]) => [name, action]),
      );
      assert.deepEqual(stage.node.states, before);
      await assertAllFree();
    });
  }

  it('a refusal before the chain is asked notifies nobody and undoes nothing (rows 39, 49)', async () => {
    stage.node.answers.set('offline.prepare', { ok: false, errno: 'EBUSY', message: 'unmovable page' });
    const { result, errno } = await play(offline());
    assert.deepEqual([result, errno], ['Failed', 'EBUSY']);
    assert.deepEqual(stage.node.steps, ['offline.prepare']);
    assert.deepEqual(stage.asked, []);
    assert.equal(stage.node.writing, undefined, 'readers on the node are let in again');
    await assertAllFree();
  });

  it('a failed migration undoes, then sends MEM_CANCEL_OFFLINE (rows 50, 54)', async () => {
    stage.node.answers.set('offline.commit', { ok: false, errno: 'EBUSY', message: 'page found unmovable' });
    const { result, errno, story } = await play(offline());
    assert.deepEqual([result, errno], ['Failed', 'EBUSY']);
    assert.ok(story.indexOf('abort offline memory31') < story.indexOf('MEM_CANCEL_OFFLINE → first, second'));
    assert.equal(stage.node.states.get(31), 'online');
  });

  it('answers to MEM_ONLINE cannot fail the operation, and are recorded (row 73)', async () => {
    stage.ask = (_notifier, event) =>
      event.action === 'MEM_ONLINE'
        ? { kind: 'answer', answer: { result: 'NOTIFY_BAD', reason: 'too late' } }
        : { kind: 'answer', answer: { result: 'NOTIFY_OK' } };
    const { result, notifiers } = await play(online());
    assert.equal(result, 'Succeeded');
    assert.deepEqual(
      notifiers.filter((call) => call.action === 'MEM_ONLINE').map((call) => [call.name, call.result]),
      [['first', 'NOTIFY_BAD']],
    );
  });

  it('a block that is already online is a success that asks nobody (row 32)', async () => {
    const { result, noop } = await play(online(31));
    assert.deepEqual([result, noop], ['Succeeded', true]);
    assert.deepEqual([stage.node.steps, stage.asked], [[], []]);
  });

  it('an absent block answers ENODEV', async () => {
    const { result, errno } = await play(online(99));
    assert.deepEqual([result, errno], ['Failed', 'ENODEV']);
  });

  it('keeping readers out costs one activity where a step follows the release of mem_hotplug_lock, and two where none does', async () => {
    const [onlined, removed] = [
      await play(online()),
      await play({ type: 'remove', input: { ...stage.base, range: one } }),
    ];
    const gateActivities = (story: readonly string[]): number =>
      story.filter((line) => line.startsWith('mem_hotplug_')).length;
    assert.deepEqual([gateActivities(onlined.story), gateActivities(removed.story)], [1, 2]);
    assert.equal(stage.node.writing, undefined);
  });

  describe('the locks of an uncontended operation', () => {
    for (const [way, byUpdate, own, entity] of [
      ['by update', true, 2, 9],
      ['by signal', false, 6, 13],
    ] as const) {
      it(`cost ${String(own)} events in it and ${String(entity)} in the lock entity when requests go ${way}`, async () => {
        const other = await new OperationStage(new ScriptedNode('worker-1', { 30: 'online' })).open({
          requests: { byUpdate },
        });
        try {
          assert.deepEqual(await costOfLocks(other), [own, entity]);
        } finally {
          await other.close();
        }
      });
    }
  });
});

/** History events of an operation that finds nothing to do: in it, but for all that is not about locks; in the lock entity. */
async function costOfLocks(stage: OperationStage): Promise<readonly [own: number, entity: number]> {
  const request: OperationRequest = {
    type: 'online',
    input: { ...stage.base, blockId: 30, onlineType: 'online_movable' },
  };
  await (await stage.start(request)).result();
  await eventually('all locks are free', async () => (await stage.lockTable()).locks.length === 0);
  const before = (await eventsOf(stage.client, stage.lockEntityId)).length;
  const run = await stage.start(request);
  assert.equal((await run.result()).noop, true);
  await eventually('all locks are free', async () => (await stage.lockTable()).locks.length === 0);
  const base = 5; // started, one workflow task (3), completed
  const activity = 3 + 3; // scheduled, started, completed, and the workflow task that goes on
  const result = 1; // search attribute
  const events = await eventsOf(stage.client, run.workflowId, run.runId);
  const entity = await eventsOf(stage.client, stage.lockEntityId);
  return [events.length - base - 2 * activity - result, entity.length - before];
}
