/** A plugin says no: who it was and why is to be seen everywhere, and the block goes on by itself when nobody objects. */
import assert from 'node:assert/strict';
import type { MemoryBlockStatus } from '../../src/contract/resources.ts';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';

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
