/** An online or offline whose commit was not heard of: what `abort` finds decides how it ends. */
import assert from 'node:assert/strict';
import proto from '@temporalio/proto';
import { OPERATION_PHASE_QUERY, type OperationPhase, type OperationRequest } from '../../src/contract/operations.ts';
import type { DriverResult } from '../../src/contract/driver.ts';
import { DEVICE_HOTPLUG_LOCK } from '../../src/contract/lock-names.ts';
import { eventually } from '../support/eventually.ts';
import { eventsOf } from '../support/history-story.ts';
import { OperationStage, registered, type Running } from '../support/operation-stage.ts';
import { ScriptedNode } from '../support/scripted-node.ts';

const STALE: DriverResult = { ok: false, errno: 'ESTALE', message: 'the lock has passed on' };
const EBUSY: DriverResult = { ok: false, errno: 'EBUSY', message: 'pinned' };
const COMMITTED: DriverResult = { ok: true, committed: true };

describe('an operation whose commit was not heard of', function () {
  this.timeout(60_000);
  let stage: OperationStage;

  beforeEach(() => {
    stage = new OperationStage(new ScriptedNode('worker-1', { 30: 'offline', 31: 'online' }));
    stage.notifiers = [registered('guard')];
  });
  afterEach(() => stage.close());

  const online = (): OperationRequest => ({
    type: 'online',
    input: { ...stage.base, blockId: 30, onlineType: 'online' },
  });
  const offline = (more: object = {}): OperationRequest => ({
    type: 'offline',
    input: { ...stage.base, blockId: 31, offlineTimeoutMs: 30_000, ...more },
  });
  const told = (): string[] => stage.asked.map(({ action }) => action);

  it('an offline that was cancelled after the point of no return has succeeded', async () => {
    stage.node.answers.set('offline.abort', COMMITTED);
    await stage.open();
    const held = stage.node.holdAt('offline.commit');
    const run = await stage.start(offline());
    await held.reached;
    await run.cancel();
    const { result, errno, state } = await run.result();
    assert.deepEqual([result, errno, state], ['Succeeded', undefined, 'offline']);
    assert.deepEqual(stage.node.steps, ['offline.prepare', 'offline.commit', 'offline.abort', 'offline.finish']);
    assert.deepEqual(told(), ['MEM_GOING_OFFLINE', 'MEM_OFFLINE']);
  });

  it('an online whose commit was refused, but had been done before, has succeeded', async () => {
    stage.node.answers.set('online.commit', STALE);
    stage.node.answers.set('online.abort', { ...COMMITTED, zone: 'Movable' });
    await stage.open();
    const { result, state, zone } = await (await stage.start(online())).result();
    assert.deepEqual([result, state, zone], ['Succeeded', 'online', 'Movable']);
    assert.deepEqual(told(), ['MEM_GOING_ONLINE', 'MEM_ONLINE']);
  });

  it('one that has not happened ends as the commit said', async () => {
    stage.node.answers.set('offline.commit', EBUSY);
    await stage.open();
    const { result, errno } = await (await stage.start(offline())).result();
    assert.deepEqual([result, errno], ['Failed', 'EBUSY']);
    assert.deepEqual(told(), ['MEM_GOING_OFFLINE', 'MEM_CANCEL_OFFLINE']);
  });

  it('a vetoed one did nothing, whatever somebody did by hand meanwhile', async () => {
    stage.node.answers.set('offline.abort', COMMITTED);
    stage.ask = () => ({ kind: 'answer', answer: { result: 'NOTIFY_BAD', errno: 'EBUSY' } });
    await stage.open();
    assert.equal((await (await stage.start(offline())).result()).result, 'Vetoed');
    assert.deepEqual(told(), ['MEM_GOING_OFFLINE', 'MEM_CANCEL_OFFLINE']);
  });

  for (const [found, answer, ending, last] of [
    ['nothing done', undefined, { result: 'Failed', errno: 'EINTR' }, 'MEM_CANCEL_OFFLINE'],
    ['the block offline', COMMITTED, { result: 'Succeeded', errno: undefined }, 'MEM_OFFLINE'],
  ] as const) {
    it(`cancelled while its agent is dead, an offline holds its locks until the next agent has found ${found}`, async () => {
      if (answer) stage.node.answers.set('offline.abort', answer);
      await stage.open({ withoutAgent: true });
      const stopAgent = await stage.startAgent();
      const died = stage.node.dieAt('offline.commit');
      const timings = { ...stage.base.timings, agentStartMs: 300, heartbeatMs: 1_000 };
      const run = await stage.start(offline({ timings }));
      await died.reached;
      const stopped = stopAgent();
      await run.cancel();
      await waitsForAgent(run).finally(() => died.letGo());
      await stopped;
      await stage.startAgent();
      const { result, errno } = await run.result();
      assert.deepEqual({ result, errno }, ending);
      assert.deepEqual(stage.node.steps, ['offline.prepare', 'offline.commit', 'offline.abort', 'offline.finish']);
      assert.deepEqual(told(), ['MEM_GOING_OFFLINE', last]);
    });
  }

  /** Not between two attempts: the server has given the dead agent up. */
  async function waitsForAgent({ workflowId, runId }: Running): Promise<void> {
    const handle = stage.client.workflow.getHandle(workflowId, runId);
    await eventually('it waits for an agent', async () => {
      const { phase } = await handle.query<OperationPhase>(OPERATION_PHASE_QUERY);
      return phase === 'WaitingForAgent';
    });
    const events = await eventsOf(stage.client, workflowId, runId);
    const { RETRY_STATE_CANCEL_REQUESTED } = proto.temporal.api.enums.v1.RetryState;
    assert.ok(
      events.some((event) => event.activityTaskTimedOutEventAttributes?.retryState === RETRY_STATE_CANCEL_REQUESTED),
    );
    const { locks } = await stage.lockTable();
    const hotplug = locks.find(({ name }) => name === DEVICE_HOTPLUG_LOCK);
    assert.deepEqual(
      hotplug?.holders.map((holder) => holder.runId),
      [runId],
    );
  }
});
