/** Notifier plugins on Temporal task queues, alone and beside those inside the operator: docs/plugins-task-queue.md. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { ApplicationFailure, WorkflowFailedError } from '@temporalio/client';
import { decodeTimeoutType, type Payload } from '@temporalio/common';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import type { MemoryNotify, RegisteredNotifier } from '../../src/contract/notifier.ts';
import type { OfflineMemoryInput } from '../../src/contract/operations.ts';
import { createLockActivities } from '../../src/temporal/lock-activities.ts';
import { bundleWorkflows } from '../../src/temporal/workflow-bundle.ts';
import { eventsOf, storyOf } from '../support/history-story.ts';
import { OperationStage, registered, type Running } from '../support/operation-stage.ts';
import { ScriptedNode } from '../support/scripted-node.ts';
import { sharedTemporal } from '../support/shared-temporal.ts';

const GOING = 'MEM_GOING_OFFLINE';
const QUEUE = `plugins-${randomUUID().slice(0, 8)}`;
const SEALED_QUEUE = `${QUEUE}-sealed`;
const OK = { result: 'NOTIFY_OK' };
/** Timeouts that a test waits for. */
const SHORT_MS = 400;
/** From the server's timer to the workflow, on a machine that has other things to do. */
const SLACK_MS = 1_000;

type Played = { readonly run: Running } & Awaited<ReturnType<Running['result']>>;
type HistoryEvents = Awaited<ReturnType<typeof eventsOf>>;

describe('notifiers on a task queue', function () {
  this.timeout(30_000);
  let stage: OperationStage;
  const workers: Worker[] = [];
  const working: Promise<void>[] = [];
  /** What the workers' activities were asked, and what they answer. */
  const told: MemoryNotify[] = [];
  let plugin: (event: MemoryNotify) => unknown;
  const released = Promise.withResolvers<undefined>();

  before(async () => {
    stage = await new OperationStage(new ScriptedNode('worker-1', { 31: 'online' })).open();
    await startWorker({ taskQueue: QUEUE });
    await startWorker({ taskQueue: SEALED_QUEUE, dataConverter: { payloadCodecs: [{ encode: seal, decode: asIs }] } });
  });
  after(async () => {
    released.resolve(undefined);
    for (const worker of workers) worker.shutdown();
    await Promise.all(working);
    await stage.close();
  });
  beforeEach(() => {
    stage.node.states.set(31, 'online');
    stage.ask = () => ({ kind: 'answer', answer: { result: 'NOTIFY_OK' } });
    plugin = () => OK;
    told.length = 0;
    stage.asked.length = 0;
  });

  async function startWorker(options: Omit<WorkerOptions, 'connection'>): Promise<void> {
    const { native: connection, namespace } = await sharedTemporal();
    const answer = (event: MemoryNotify): unknown => {
      told.push(event);
      return plugin(event);
    };
    const activities = { ask: answer, 'ask again': answer };
    const worker = await Worker.create({ connection, namespace, activities, ...options });
    workers.push(worker);
    working.push(worker.run());
  }

  function onQueue(name: string, more: Partial<RegisteredNotifier> & { queue?: string; activity?: string } = {}) {
    const { queue: taskQueue = QUEUE, activity = 'ask', ...rest } = more;
    return registered(name, { transport: { kind: 'taskQueue', taskQueue, activity }, ...rest });
  }

  async function offline(more: Partial<OfflineMemoryInput> = {}): Promise<Played> {
    const run = await stage.start({
      type: 'offline',
      input: { ...stage.base, blockId: 31, offlineTimeoutMs: 10_000, ...more },
    });
    return { ...(await run.result()), run };
  }

  const history = ({ run }: Played): Promise<HistoryEvents> => eventsOf(stage.client, run.workflowId, run.runId);

  /** How often each type of activity was scheduled, of those that ask plugins. */
  async function activitiesThatAsk(played: Played): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { activityTaskScheduledEventAttributes: scheduled } of await history(played)) {
      const name = scheduled?.activityType?.name;
      if (name && /^(callPlugins|ask|ask again)$/.test(name)) counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  it('are asked with the event of their own, and what they answer is recorded', async () => {
    stage.notifiers = [onQueue('guard', { timeoutMs: 3_000 })];
    plugin = () => ({ result: 'NOTIFY_OK', reason: 'nothing is pinned', errno: null });
    const played = await offline();
    const { result, notifiers, run } = played;
    assert.equal(result, 'Succeeded');
    assert.deepEqual(
      notifiers.map((call) => [call.action, call.name, call.result, call.reason]),
      [GOING, 'MEM_OFFLINE'].map((action) => [action, 'guard', 'NOTIFY_OK', 'nothing is pinned']),
    );
    const [event] = told;
    assert.ok(event);
    const { deadline, tokens, ...rest } = event;
    assert.deepEqual(rest, {
      apiVersion: 'notifier.memoryhotplug.io/v1',
      uid: `${run.runId}/memory31/${GOING}/guard`,
      notifier: 'guard',
      action: GOING,
      cluster: stage.cluster,
      node: 'worker-1',
      blockId: 31,
      startPfn: 31 * 2 ** 15,
      nrPages: 2 ** 15,
      physicalAddress: '0xf8000000',
      sizeBytes: 2 ** 27,
      workflowId: run.workflowId,
      runId: run.runId,
      dryRun: false,
    });
    assert.deepEqual(Object.keys(tokens).sort(), ['device_hotplug_lock', 'device_lock/memory31', 'mem_hotplug_lock']);
    const asked = (await history(played)).find(
      ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === 'ask',
    );
    const leftMs = Date.parse(deadline) - Number(asked?.eventTime?.seconds) * 1000;
    assert.ok(leftMs > 0 && leftMs <= 4_000, `${String(leftMs)} ms from the whole second of its asking`);
  });

  it('veto with errno, reason, retry time and outlook; then they are told that it was cancelled', async () => {
    stage.notifiers = [onQueue('guard')];
    const veto = { result: 'NOTIFY_BAD', errno: 'EBUSY', reason: '3 pinned pages' };
    plugin = ({ action }) => (action === GOING ? { ...veto, retryAfterSeconds: 7, outlook: 'Infeasible' } : OK);
    const { result, errno, message, retryAfterSeconds, cause } = await offline();
    assert.deepEqual([result, errno, retryAfterSeconds, cause], ['Vetoed', 'EBUSY', 7, 'Infeasible']);
    assert.equal(message, `vetoed by guard at ${GOING} (EBUSY): 3 pinned pages`);
    assert.deepEqual(
      told.map(({ action }) => action),
      [GOING, 'MEM_CANCEL_OFFLINE'],
    );
    assert.equal(stage.node.states.get(31), 'online');
  });

  describe('that throw', () => {
    const failing = (failurePolicy: 'Fail' | 'Ignore'): void => {
      stage.notifiers = [onQueue('guard', { actions: [GOING], failurePolicy })];
      plugin = () => {
        throw new Error('no connection to the database');
      };
    };

    it('are asked once, and veto with EIO when their failure policy is Fail', async () => {
      failing('Fail');
      const { result, errno, message } = await offline();
      assert.deepEqual([result, errno, told.length], ['Vetoed', 'EIO', 1]);
      assert.match(message, /vetoed by guard .*activity ask failed: no connection to the database$/);
    });

    it('are passed over, with what they threw, when it is Ignore', async () => {
      failing('Ignore');
      const { result, notifiers } = await offline();
      const reason = 'activity ask failed: no connection to the database';
      assert.deepEqual([result, notifiers], ['Succeeded', [{ name: 'guard', action: GOING, result: 'Error', reason }]]);
    });

    it('fill no event and no status with it', async () => {
      failing('Ignore');
      plugin = () => Promise.reject(new Error('x'.repeat(100_000)));
      const { notifiers } = await offline();
      assert.match(notifiers[0]?.reason ?? '', /^activity ask failed: x{700,800}…$/);
    });
  });

  it('that no worker knows say which it knows', async () => {
    stage.notifiers = [onQueue('guard', { actions: [GOING], activity: 'aks' })];
    const { errno, message } = await offline();
    assert.equal(errno, 'EIO');
    assert.match(message, /activity aks failed: .*not registered.*"ask again"/);
  });

  describe('without an answer in time', () => {
    /** Which timeout the server reports for the first that asked, and after how long. */
    async function timeoutOf(played: Played): Promise<{ type: unknown; afterMs: number }> {
      const events = await history(played);
      const timedOut = events.find((event) => event.activityTaskTimedOutEventAttributes);
      const { scheduledEventId, failure } = timedOut?.activityTaskTimedOutEventAttributes ?? {};
      const scheduled = events.find(({ eventId }) => String(eventId) === String(scheduledEventId));
      return {
        type: decodeTimeoutType(failure?.timeoutFailureInfo?.timeoutType),
        afterMs: timeMs(timedOut) - timeMs(scheduled),
      };
    }

    it('say that no worker took the call, within their timeout (ETIMEDOUT)', async () => {
      stage.notifiers = [onQueue('guard', { actions: [GOING], queue: `${QUEUE}-nobody`, timeoutMs: SHORT_MS })];
      const played = await offline();
      assert.deepEqual([played.result, played.errno], ['Vetoed', 'ETIMEDOUT']);
      assert.match(played.message, /no worker took activity ask from task queue \S+-nobody in time; start one/);
      const { type, afterMs } = await timeoutOf(played);
      assert.equal(type, 'SCHEDULE_TO_START');
      assert.ok(afterMs >= SHORT_MS - 10 && afterMs < SHORT_MS + SLACK_MS, `${String(afterMs)} ms`);
    });

    it('say that the plugin did not answer when a worker has taken the call; its late answer counts for nothing', async () => {
      stage.notifiers = [onQueue('guard', { actions: [GOING], timeoutMs: SHORT_MS, failurePolicy: 'Ignore' })];
      const answered = Promise.withResolvers<undefined>();
      plugin = async () => {
        await answered.promise;
        return { result: 'NOTIFY_BAD', errno: 'EBUSY' };
      };
      const played = await offline();
      answered.resolve(undefined);
      assert.deepEqual([played.result, told.length], ['Succeeded', 1]);
      assert.deepEqual(played.notifiers, [
        { name: 'guard', action: GOING, result: 'Error', reason: 'activity ask did not answer in time' },
      ]);
      const { type, afterMs } = await timeoutOf(played);
      assert.notEqual(type, 'SCHEDULE_TO_START');
      assert.ok(afterMs >= SHORT_MS - 10 && afterMs < SHORT_MS + SLACK_MS, `${String(afterMs)} ms`);
    });

    it('are cut off by the deadline of the whole chain, and who stands behind them is not asked', async () => {
      stage.notifiers = [
        onQueue('slow', { priority: 10, actions: [GOING], failurePolicy: 'Ignore', timeoutMs: 20_000 }),
        onQueue('late', { actions: [GOING] }),
      ];
      plugin = () => released.promise;
      const played = await offline({ timings: { ...stage.base.timings, chainMs: SHORT_MS } });
      assert.deepEqual([played.result, played.errno], ['Vetoed', 'ETIMEDOUT']);
      assert.match(played.message, /vetoed by late .*not asked: the deadline of the whole chain has passed/);
      assert.deepEqual(
        told.map(({ notifier }) => notifier),
        ['slow'],
      );
      assert.ok((await timeoutOf(played)).afterMs < SHORT_MS + SLACK_MS);
    });
  });

  it('that answer nonsense have given no answer', async () => {
    const nonsense: Record<string, unknown> = {
      nothing: undefined,
      text: 'NOTIFY_OK',
      list: [OK],
      maybe: { result: 'NOTIFY_MAYBE' },
      typo: { ...OK, retryAfter: 5 },
      both: { ...OK, errno: 'EBUSY' },
    };
    stage.notifiers = Object.keys(nonsense).map((name) => onQueue(name, { actions: [GOING], failurePolicy: 'Ignore' }));
    plugin = ({ notifier }) => nonsense[notifier];
    const { result, notifiers } = await offline();
    assert.equal(result, 'Succeeded');
    assert.deepEqual(notifiers.map(({ name }) => name).sort(), Object.keys(nonsense).sort());
    for (const call of notifiers) {
      assert.equal(call.result, 'Error', call.name);
      assert.match(call.reason ?? '', /^answered nonsense: .*; an answer is \{ result/, call.name);
    }
  });

  it('that say NOTIFY_BAD have vetoed, even where the rest is not understood and errors are ignored', async () => {
    stage.notifiers = [onQueue('strict', { actions: [GOING], failurePolicy: 'Ignore' })];
    plugin = () => ({ result: 'NOTIFY_BAD', errno: 'EWHATEVER', reason: 'frozen', retryAfterSeconds: 172_800 });
    const { result, errno, message, retryAfterSeconds } = await offline();
    assert.deepEqual([result, errno, retryAfterSeconds], ['Vetoed', 'EPERM', 86_400]);
    assert.match(message, /frozen \(of this veto was not understood: \{"errno":"EWHATEVER"\}: errno must be/);
  });

  it('whose worker encrypts what it says cannot be read, and hold no operation up', async () => {
    const more = { queue: SEALED_QUEUE, actions: [GOING] as const, failurePolicy: 'Ignore' as const };
    stage.notifiers = [onQueue('answers', more), onQueue('throws', more)];
    plugin = ({ notifier }) => {
      if (notifier === 'answers') return OK;
      throw ApplicationFailure.create({ message: 'broken', details: ['sealed too'] });
    };
    const { result, notifiers } = await offline();
    assert.deepEqual(
      [result, ...notifiers.map(({ name, result: answer }) => [name, answer])],
      ['Succeeded', ['answers', 'Error'], ['throws', 'Error']],
    );
    assert.match(notifiers[0]?.reason ?? '', /answered nonsense: .*Unknown encoding: binary\/sealed/);
    assert.equal(notifiers[1]?.reason, 'activity ask failed: broken');
  });

  it('and those inside the operator are asked in the order of the chain, each run of adjacent ones by one activity', async () => {
    const order: string[] = [];
    const note = (event: MemoryNotify): void => void order.push(`${event.action} ${event.notifier}`);
    stage.ask = (_notifier, event) => {
      note(event);
      return { kind: 'answer', answer: { result: 'NOTIFY_OK' } };
    };
    plugin = (event) => {
      note(event);
      return OK;
    };
    stage.notifiers = [
      registered('in-1', { priority: 60 }),
      registered('in-2', { priority: 50 }),
      onQueue('out-3', { priority: 40 }),
      onQueue('out-4', { priority: 30, activity: 'ask again' }),
      registered('in-5', { priority: 20 }),
      registered('in-6', { priority: 10 }),
      registered('in-7'),
    ];
    const played = await offline();
    const names = ['in-1', 'in-2', 'out-3', 'out-4', 'in-5', 'in-6', 'in-7'];
    assert.deepEqual(
      order,
      [GOING, 'MEM_OFFLINE'].flatMap((action) => names.map((name) => `${action} ${name}`)),
    );
    assert.deepEqual(await activitiesThatAsk(played), { callPlugins: 4, ask: 2, 'ask again': 2 });
    const story = await storyOf(stage.client, played.run.workflowId, played.run.runId);
    assert.deepEqual(
      story.filter((line) => line.startsWith(GOING)),
      [`${GOING} → in-1, in-2`, `${GOING} → out-3`, `${GOING} → out-4`, `${GOING} → in-5, in-6, in-7`],
    );
  });

  it('each call has a line in the current details, whatever asked it', async () => {
    stage.notifiers = [registered('in-1', { priority: 2 }), registered('in-2', { priority: 1 }), onQueue('out-3')];
    plugin = () => ({ result: 'NOTIFY_OK', reason: 'idle' });
    const { run } = await offline();
    const { currentDetails } = await stage.client.workflow
      .getHandle(run.workflowId, run.runId)
      .query<{ currentDetails: string }>('__temporal_workflow_metadata');
    const lines = currentDetails.split('\n').flatMap((line) => /MEM_\w+ → .*/.exec(line) ?? []);
    assert.deepEqual(
      lines,
      [GOING, 'MEM_OFFLINE'].flatMap((action) => [
        `${action} → in-1: NOTIFY_OK`,
        `${action} → in-2: NOTIFY_OK`,
        `${action} → out-3: NOTIFY_OK (idle)`,
      ]),
    );
  });

  describe('a run of adjacent plugins inside the operator', () => {
    const threeOf = (more: Partial<RegisteredNotifier> = {}): readonly RegisteredNotifier[] =>
      ['first', 'second', 'third'].map((name, at) => registered(name, { priority: -at, actions: [GOING], ...more }));
    const asked = (): string[] => stage.asked.map(({ notifier }) => notifier);

    for (const [answer, outcome] of [
      ['NOTIFY_STOP', 'Succeeded'],
      ['NOTIFY_BAD', 'Vetoed'],
    ] as const) {
      it(`ends where ${answer} does, and nobody behind it is asked, on a task queue neither`, async () => {
        stage.notifiers = [...threeOf(), onQueue('fourth', { priority: -9, actions: [GOING] })];
        stage.ask = ({ name }) => ({
          kind: 'answer',
          answer: { result: name === 'second' ? answer : 'NOTIFY_OK' },
        });
        const played = await offline();
        assert.equal(played.result, outcome);
        assert.deepEqual([asked(), told], [['first', 'second'], []]);
        assert.deepEqual(
          played.notifiers.map(({ name, result }) => [name, result]),
          [
            ['first', 'NOTIFY_OK'],
            ['second', answer],
          ],
        );
        assert.deepEqual(await activitiesThatAsk(played), { callPlugins: 1 });
      });
    }

    it('goes on with the next where its activity fails altogether and the first is ignored', async () => {
      stage.notifiers = threeOf({ failurePolicy: 'Ignore' });
      stage.ask = ({ name }) => {
        if (name === 'first') throw new Error('out of memory');
        return { kind: 'answer', answer: { result: 'NOTIFY_OK' } };
      };
      const played = await offline();
      assert.equal(played.result, 'Succeeded');
      assert.deepEqual(
        played.notifiers.map(({ name, result, reason }) => [name, result, reason]),
        [
          ['first', 'Error', 'the operator could not ask it: out of memory; look at its log'],
          ['second', 'NOTIFY_OK', undefined],
          ['third', 'NOTIFY_OK', undefined],
        ],
      );
      assert.deepEqual(await activitiesThatAsk(played), { callPlugins: 2 });
    });

    it('of twenty with long names is one activity, whose summary stays short', async () => {
      const names = Array.from({ length: 20 }, (_, at) => `${'n'.repeat(251)}${String(at).padStart(2, '0')}`);
      stage.notifiers = names.map((name) => registered(name, { actions: [GOING] }));
      const played = await offline();
      assert.deepEqual(await activitiesThatAsk(played), { callPlugins: 1 });
      assert.deepEqual(asked(), names);
      const story = await storyOf(stage.client, played.run.workflowId, played.run.runId);
      assert.ok(story.includes(`${GOING} → ${names[0] ?? ''} and 19 more`));
    });
  });

  it('a plugin that waits for a lock of the node whose chain it runs in gets EDEADLK', async () => {
    const taskQueue = `${QUEUE}-scans`;
    const scans = path.resolve(import.meta.dirname, '../support/workflows/node-scan.ts');
    await startWorker({
      taskQueue,
      workflowBundle: await bundleWorkflows(scans),
      activities: { ...createLockActivities(stage.client) },
    });
    stage.notifiers = [onQueue('scanner', { actions: [GOING] })];
    plugin = async ({ cluster, node, workflowId: causedBy }) => {
      const args = [{ cluster, node, causedBy }];
      try {
        await stage.client.workflow.execute('scanNode', { taskQueue, workflowId: randomUUID(), args });
        return OK;
      } catch (error) {
        assert.ok(error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure);
        return { result: 'NOTIFY_BAD', errno: error.cause.type, reason: error.cause.message };
      }
    };
    const { result, errno, message } = await offline();
    assert.deepEqual([result, errno], ['Vetoed', 'EDEADLK']);
    assert.match(message, /scan of worker-1 .* waits for mem_hotplug_lock/);
    assert.match(message, /offline memory31 holds .*mem_hotplug_lock and waits for its plugin/);
  });
});

/** As a codec that encrypts: whoever has no key cannot read it. */
function seal(payloads: Payload[]): Promise<Payload[]> {
  const metadata = { encoding: Buffer.from('binary/sealed') };
  return Promise.resolve(payloads.map(({ data }) => ({ metadata, data: data ?? new Uint8Array() })));
}

function asIs(payloads: Payload[]): Promise<Payload[]> {
  return Promise.resolve(payloads);
}

function timeMs(event: HistoryEvents[number] | undefined): number {
  const { seconds, nanos } = event?.eventTime ?? {};
  return Number(seconds) * 1_000 + Number(nanos) / 1e6;
}
