/** A plugin says no: who it was and why is to be seen everywhere, and the block goes on by itself when nobody objects. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NotifierAnswer } from '../../src/contract/notifier.ts';
import type { MemoryBlockStatus, MemoryNotifierStatus } from '../../src/contract/resources.ts';
import type { MemoryAction } from '../../src/kernel/memory-action.ts';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import type { NotifierManifest } from '../support/simulated-cluster.ts';

const NODE = 'veto';
const NAME = `${NODE}-memory8`;
/** Keeps the notifiers of this test away from the blocks of others. */
const LABELS = { test: NODE };

describe('veto, retry, online', function () {
  this.timeout(60_000);
  let stage: OperatorStage;

  const inject = (name: string, errno: string, priority: number): Promise<string> =>
    stage.applyNotifier(name, {
      priority,
      blockSelector: { matchLabels: LABELS },
      plugin: { name: 'fault-injection', config: { errors: { MEM_GOING_ONLINE: errno } } },
    });
  const remove = (...notifiers: readonly string[]): Promise<string> =>
    stage.kubectl.succeed(['delete', '--ignore-not-found', ...notifiers.map((name) => `mnot/${name}`)]);
  const vetoes = async (): Promise<readonly string[]> =>
    (await stage.events(NAME)).filter(({ reason }) => reason === 'Vetoed').map(({ message }) => message);
  const untilVetoed = (what: string, holds: (status: MemoryBlockStatus) => boolean): Promise<MemoryBlockStatus> =>
    stage.untilBlock(NAME, what, ({ status }) => status?.lastOperation?.result === 'Vetoed' && holds(status));

  before(async () => {
    stage = await openOperatorStage();
    await stage.createNode(NODE);
    await inject('veto-busy', 'EBUSY', 10);
    await stage.applyBlock({ nodeName: NODE, blockId: 8, state: 'online', labels: LABELS });
    await stage.untilReason(NAME, 'Vetoed');
  });
  after(async () => {
    await remove('veto-busy', 'veto-nomem');
    await stage.deleteNode(NODE);
  });

  it('names the plugin and its reason in kubectl get, in the status and in an event', async () => {
    const wide = await stage.kubectl.succeed(['get', 'mb', NAME, '-o', 'wide', '--no-headers']);
    assert.match(wide, /False +Vetoed .*vetoed by veto-busy at MEM_GOING_ONLINE \(EBUSY\): injected EBUSY/);
    const { notifiers, lastOperation, state } = await stage.blockStatus(NAME);
    const [asked] = notifiers ?? [];
    assert.deepEqual(
      [asked?.name, asked?.action, asked?.errno, asked?.reason],
      ['veto-busy', 'MEM_GOING_ONLINE', 'EBUSY', 'injected EBUSY at MEM_GOING_ONLINE'],
    );
    assert.ok(
      notifiers?.some(({ action }) => action === 'MEM_CANCEL_ONLINE'),
      'the chain is told that it is off',
    );
    assert.deepEqual([lastOperation?.type, lastOperation?.errno, state], ['online', 'EBUSY', 'offline']);
    assert.match((await vetoes()).join(), /vetoed by veto-busy/);
  });

  it('says when it will be tried again, in the condition and in the event', async () => {
    const { retry, conditions } = await stage.blockStatus(NAME);
    const when = `${retry!.nextTime.slice(0, 19)}Z, or as soon as its MemoryNotifiers change`;
    const shown = conditions?.filter(({ type }) => type === 'Ready' || type === 'Reconciling');
    for (const { message } of shown ?? []) assert.match(message, new RegExp(`; will be tried again at ${when}$`));
    assert.deepEqual(await vetoes(), [shown?.[0]?.message]);
    const [asked, told] = (await stage.blockStatus(NAME)).notifiers ?? [];
    assert.deepEqual([asked?.retryTime, told?.retryTime], [retry!.nextTime, undefined]);
  });

  it('shows each call in the timeline of the operation', async () => {
    const [run] = await stage.operations(`NodeName="${NODE}" AND MemoryOperation="online"`);
    const handle = stage.temporal.workflow.getHandle(run!.workflowId, run!.runId);
    await handle.result();
    const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    const lines = currentDetails.split('\n').filter((line) => line.includes('→ veto-busy'));
    const told = lines.map((line) => line.replace(/^- \S+ /, ''));
    assert.deepEqual(told, [
      'MEM_GOING_ONLINE → veto-busy: NOTIFY_BAD EBUSY (injected EBUSY at MEM_GOING_ONLINE)',
      'MEM_CANCEL_ONLINE → veto-busy: NOTIFY_OK',
    ]);
    const { retry } = await stage.blockStatus(NAME);
    const last = `will be tried again at ${retry!.nextTime}, or as soon as its MemoryNotifiers change`;
    assert.ok(currentDetails.endsWith(last), currentDetails);
    const { events } = await handle.fetchHistory();
    const summaries = (events ?? []).map(({ userMetadata }) =>
      Buffer.from(userMetadata?.summary?.data ?? '').toString(),
    );
    assert.deepEqual(
      summaries.filter((summary) => summary.includes('veto-busy')),
      ['"MEM_GOING_ONLINE → veto-busy"', '"MEM_CANCEL_ONLINE → veto-busy"'],
    );
  });

  it('shows the last call of the notifier with kubectl, beside who it is and whether it is asked', async () => {
    const lastCall = await eventually('the last call is shown', async () => {
      const json = await stage.kubectl.succeed(['get', 'mnot', 'veto-busy', '-o', 'jsonpath={.status}']);
      const { conditions, target, ...status } = JSON.parse(json) as MemoryNotifierStatus;
      assert.deepEqual([conditions?.[0]?.status, target], ['True', 'fault-injection']);
      return status.lastCall;
    });
    const { time, ...call } = lastCall;
    const reason = 'injected EBUSY at MEM_GOING_ONLINE';
    const veto = { action: 'MEM_GOING_ONLINE', result: 'NOTIFY_BAD', errno: 'EBUSY', reason };
    assert.deepEqual(call, { ...veto, node: NODE, blockId: 8 });
    assert.ok(Math.abs(Date.now() - Date.parse(time)) < 60_000, time);
  });

  it('keeps the backoff over a restart of every operator', async () => {
    const { retry: before, lastOperation: first } = await stage.blockStatus(NAME);
    assert.equal(before?.count, 1);
    for (const name of ['operator-1', 'operator-2']) await stage.process(name).stop();
    await Promise.all(['operator-1', 'operator-2'].map((name) => stage.startOperator(name)));
    const after = await untilVetoed('vetoed again', ({ lastOperation }) => lastOperation?.runId !== first?.runId);
    assert.equal(after.retry?.count, 2, 'the count goes on');
    const runs = await stage.operations(`NodeName="${NODE}" AND MemoryOperation="online"`);
    assert.equal(runs.length, 2, 'one try when it was due, by one operator');
    const [, second] = runs;
    const retried = await stage.temporal.workflow.getHandle(second!.workflowId, second!.runId).describe();
    assert.ok(retried.startTime.getTime() >= Date.parse(before.nextTime), 'not before its time');
  });

  it('tries again at once when another notifier is registered, and tells of the new vetoer', async () => {
    const { nextTime } = (await stage.blockStatus(NAME)).retry!;
    await inject('veto-nomem', 'ENOMEM', 20);
    const status = await untilVetoed('vetoed by the other', ({ lastOperation }) => lastOperation?.errno === 'ENOMEM');
    assert.ok(Date.parse(status.lastOperation!.completionTime) < Date.parse(nextTime), 'it did not wait');
    const [, told] = await eventually('the new vetoer is told', async () => {
      const events = await vetoes();
      return events.length > 1 && events;
    });
    assert.match(told!, /vetoed by veto-nomem at MEM_GOING_ONLINE \(ENOMEM\)/);
  });

  it('comes online by itself, at once, when nobody objects any more', async () => {
    const { nextTime } = (await stage.blockStatus(NAME)).retry!;
    await remove('veto-busy', 'veto-nomem');
    await stage.waitReady(NAME);
    const { state, retry, lastOperation } = await stage.blockStatus(NAME);
    assert.deepEqual([state, retry], ['online', undefined]);
    assert.ok(Date.parse(lastOperation!.completionTime) < Date.parse(nextTime), 'it did not wait for the next try');
    assert.deepEqual(await stage.effectsOf(NODE, 8), ['created', 'pages-online'], 'no vetoed try touched the memory');
  });

  it('has told each veto once, however often it was repeated', async () => {
    const told = (await vetoes()).map((message) => /vetoed by (\S+)/.exec(message)?.[1]);
    assert.deepEqual(told, ['veto-busy', 'veto-nomem']);
  });
});

describe('a veto that says how long it lasts', function () {
  this.timeout(60_000);
  const node = 'outlook';
  const labels = { test: node };
  const notifier = `veto-${node}`;
  let stage: OperatorStage;
  let directory: string;
  let name: string;

  /** Vetoes what the block is about to do. */
  const veto = (action: MemoryAction, answer: Partial<NotifierAnswer>, more: Partial<NotifierManifest> = {}) => {
    const script = { [action]: { result: 'NOTIFY_BAD', errno: 'EBUSY', reason: 'the rack moves', ...answer } };
    const config = { calls: path.join(directory, 'calls.jsonl'), script };
    const plugin = { name: 'scripted', config };
    return stage.applyNotifier(notifier, { blockSelector: { matchLabels: labels }, plugin, ...more });
  };
  /** The plugin's `retryAfterSeconds`, as it was written down. */
  const persistedSeconds = ({ lastOperation, retry }: MemoryBlockStatus): number =>
    (Date.parse(retry!.nextTime) - Date.parse(lastOperation!.completionTime)) / 1000;

  before(async () => {
    stage = await openOperatorStage();
    directory = await mkdtemp(path.join(tmpdir(), 'memhp-veto-'));
    await stage.createNode(node);
  });
  after(async () => {
    await stage.kubectl.succeed(['delete', '--ignore-not-found', `mnot/${notifier}`]);
    await stage.deleteNode(node);
    await rm(directory, { recursive: true });
  });

  it('is Stalled when it is Infeasible, with its next try, and goes on at once when the notifier is suspended', async () => {
    await veto('MEM_GOING_ONLINE', { outlook: 'Infeasible', retryAfterSeconds: 7_200 });
    name = await stage.applyBlock({ nodeName: node, blockId: 8, state: 'online_movable', labels });
    await stage.untilReason(name, 'Infeasible');
    const status = await stage.blockStatus(name);
    assert.equal(persistedSeconds(status), 7_200);
    const stalled = status.conditions?.find(({ type }) => type === 'Stalled');
    assert.deepEqual([stalled?.status, stalled?.reason], ['True', 'Infeasible']);
    const told = `vetoed by ${notifier} at MEM_GOING_ONLINE \\(EBUSY\\): the rack moves; will be tried again at `;
    assert.match(stalled!.message, new RegExp(`^${told}${status.retry!.nextTime.slice(0, 19)}Z, or as soon as `));
    const event = await eventually('the veto is told', async () =>
      (await stage.events(name)).find(({ reason }) => reason === 'Infeasible'),
    );
    assert.deepEqual([event.type, event.message], ['Warning', stalled!.message]);
    const suspend = JSON.stringify({ spec: { suspend: true } });
    await stage.kubectl.succeed(['patch', `mnot/${notifier}`, '--type=merge', '-p', suspend]);
    await stage.waitReady(name);
  });

  it('is Deferred when it says so, and goes on at once when the node is no longer selected', async () => {
    await stage.kubectl.succeed(['label', `nmem/${node}`, 'rack=r1']);
    const nodeSelector = { matchLabels: { rack: 'r1' } };
    await veto(
      'MEM_GOING_OFFLINE',
      { outlook: 'Deferred', retryAfterSeconds: 3_600 },
      { nodeSelector, suspend: false },
    );
    await stage.editBlock(name, { state: 'offline' });
    await stage.untilReason(name, 'Deferred');
    const status = await stage.blockStatus(name);
    assert.equal(persistedSeconds(status), 3_600);
    assert.equal(status.conditions?.find(({ type }) => type === 'Stalled')?.status, 'False');
    await stage.kubectl.succeed(['label', `nmem/${node}`, 'rack-']);
    await stage.waitReady(name);
    assert.equal((await stage.blockStatus(name)).state, 'offline');
  });
});
