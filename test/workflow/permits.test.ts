/** The fleet-wide limit of concurrent offlines: two nodes, one permit entity, a real server. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { locksTaskQueue, offlinePermitsWorkflowId } from '../../src/contract/names.ts';
import {
  OFFLINE_PERMITS_QUERY,
  OFFLINE_PERMITS_WORKFLOW,
  type OfflinePermitsInput,
} from '../../src/contract/offline-permits.ts';
import { OPERATION_PHASE_QUERY, type OfflineMemoryInput, type OperationPhase } from '../../src/contract/operations.ts';
import type { PermitTableView } from '../../src/contract/permit-table-view.ts';
import { eventually } from '../support/eventually.ts';
import { OperationStage, registered, type Running } from '../support/operation-stage.ts';
import { ScriptedNode } from '../support/scripted-node.ts';

const STATES = { 30: 'offline', 31: 'online', 32: 'online', 33: 'online' } as const;

describe('offlines under a fleet-wide limit', function () {
  this.timeout(30_000);
  let stage: OperationStage;
  let other: ScriptedNode;

  beforeEach(async () => {
    stage = await new OperationStage(new ScriptedNode('worker-1', STATES)).open();
    other = new ScriptedNode('worker-2', STATES);
    await stage.startAgent(other);
  });
  afterEach(() => stage.close());

  const entity = () => stage.client.workflow.getHandle(offlinePermitsWorkflowId(stage.cluster));
  const permits = () => entity().query<PermitTableView>(OFFLINE_PERMITS_QUERY);
  const purposes = async () => {
    const { holders, waiters } = await permits();
    return [holders, waiters].map((parties) => parties.map(({ purpose }) => purpose));
  };

  /** With short times, before the first message would. */
  async function startEntity(options: Partial<OfflinePermitsInput> = {}): Promise<void> {
    const timings = { livenessMs: 100, livenessMaxMs: 200 };
    await stage.client.workflow.start(OFFLINE_PERMITS_WORKFLOW, {
      workflowId: offlinePermitsWorkflowId(stage.cluster),
      taskQueue: locksTaskQueue(stage.cluster),
      args: [{ cluster: stage.cluster, timings, ...options }],
    });
  }

  function offline(node: ScriptedNode, blockId: number, more: Partial<OfflineMemoryInput> = {}): Promise<Running> {
    const input = {
      ...stage.base,
      node: node.name,
      blockId,
      offlineTimeoutMs: 10_000,
      maxConcurrentOfflines: 1,
      ...more,
    };
    return stage.start({ type: 'offline', input });
  }

  const phaseOf = ({ workflowId, runId }: Running) =>
    stage.client.workflow.getHandle(workflowId, runId).query<OperationPhase>(OPERATION_PHASE_QUERY);

  async function waiting(
    node: ScriptedNode,
    blockId: number,
    more: Partial<OfflineMemoryInput> = {},
  ): Promise<Running> {
    const run = await offline(node, blockId, more);
    await eventually('it waits for a permit', async () => {
      const { waiters } = await permits();
      return waiters.some(({ runId }) => runId === run.runId) && (await phaseOf(run)).phase === 'WaitingForPermit';
    });
    return run;
  }

  /** An offline of worker-1 that has its permit and its locks, and migrates pages until it is let go. */
  async function underWay(more: Partial<OfflineMemoryInput> = {}) {
    const hold = stage.node.holdAt('offline.commit');
    const run = await offline(stage.node, 31, more);
    await hold.reached;
    return {
      run,
      letGo: () => {
        hold.letGo();
      },
    };
  }

  it('the second waits holding nothing, without a time limit, and goes on when the first has ended', async () => {
    const first = await underWay();
    const second = await waiting(other, 31, { lockTimeoutMs: 200 });
    const { detail } = await phaseOf(second);
    assert.match(detail ?? '', /at most one offline at a time in the fleet; workflow .*\/offline-permits shows/);
    // device_hotplug_lock of its node and device_lock of its block are free.
    const input = { ...stage.base, node: other.name, onlineType: 'online' as const };
    const online = await stage.start({ type: 'online', input: { ...input, blockId: 30 } });
    assert.equal((await online.result()).result, 'Succeeded');
    const same = await stage.start({ type: 'online', input: { ...input, blockId: 31 } });
    assert.equal((await same.result()).noop, true);
    assert.deepEqual(await purposes(), [['offline memory31 of worker-1'], ['offline memory31 of worker-2']]);

    first.letGo();
    assert.equal((await first.run.result()).result, 'Succeeded');
    assert.equal((await second.result()).result, 'Succeeded');
    assert.deepEqual(await purposes(), [[], []]);
  });

  it('without a limit nobody is asked; with one, the permit is given back after the last lock, whatever the outcome is', async () => {
    const input = { ...stage.base, blockId: 32, offlineTimeoutMs: 10_000 };
    const unlimited = await stage.start({ type: 'offline', input });
    assert.equal((await unlimited.result()).result, 'Succeeded');
    await assert.rejects(entity().describe(), /not found/);
    assert.ok(!(await activitiesOf(unlimited)).some((name) => name.includes('Permit')));

    stage.notifiers = [registered('guard')];
    stage.ask = () => ({ kind: 'answer', answer: { result: 'NOTIFY_BAD', errno: 'EBUSY', reason: 'pinned' } });
    const block = { name: 'worker-1-memory31', uid: 'uid', generation: 1 };
    const run = await offline(stage.node, 31, { block });
    assert.equal((await run.result()).result, 'Superseded', 'there is no such object');
    const vetoed = await offline(stage.node, 31);
    assert.equal((await vetoed.result()).result, 'Vetoed');
    assert.deepEqual(await purposes(), [[], []]);
    assert.deepEqual(await activitiesOf(run), [
      ...['takePermit', 'takeLocks', 'inspect', 'lookAgain'],
      ...['releaseLocks', 'releasePermit', 'recordOutcome'],
    ]);
  });

  /** Names of the activities of a run in the order in which they were recorded, local ones included. */
  async function activitiesOf({ workflowId, runId }: Running): Promise<readonly string[]> {
    const { events } = await stage.client.workflow.getHandle(workflowId, runId).fetchHistory();
    const names = ['takePermit', 'takeLocks', 'releaseLocks', 'releasePermit'];
    return (events ?? []).flatMap((event) => {
      const scheduled = event.activityTaskScheduledEventAttributes?.activityType?.name;
      if (scheduled) return [scheduled];
      const marker = event.markerRecordedEventAttributes?.details?.['data']?.payloads?.[0]?.data;
      const text = marker ? Buffer.from(marker).toString() : '';
      return names.filter((name) => text.includes(`"${name}"`));
    });
  }

  it('one that is cancelled while it waits withdraws; nothing of it stays', async () => {
    const first = await underWay();
    const second = await waiting(other, 31);
    const third = await waiting(other, 32);
    await second.cancel();
    const { result, message } = await second.result();
    assert.deepEqual([result, message], ['Superseded', 'cancelled while waiting for a permit; nothing was done']);
    assert.deepEqual(await purposes(), [['offline memory31 of worker-1'], ['offline memory32 of worker-2']]);
    assert.deepEqual(other.steps, []);
    first.letGo();
    assert.equal((await third.result()).result, 'Succeeded');
  });

  it('the permit of one that was terminated goes on to the next, and one that was terminated waiting keeps nobody', async () => {
    await startEntity({ historyLengthMax: 15 });
    const first = await underWay();
    const dead = await waiting(other, 32);
    const second = await waiting(other, 31);
    const { runId } = await entity().describe();
    await eventually('it continues as new, as it is looked after those in the way', async () => {
      return (await entity().describe()).runId !== runId;
    });
    await dead.terminate();
    await first.run.terminate();
    assert.equal((await second.result()).result, 'Succeeded');
    assert.deepEqual(await purposes(), [[], []]);
    first.letGo();
  });

  const losses: Readonly<Record<string, () => Promise<unknown>>> = {
    terminated: () => entity().terminate('test'),
    deleted: async () => {
      const { workflowService, options } = stage.client;
      const workflowExecution = { workflowId: entity().workflowId };
      await workflowService.deleteWorkflowExecution({ namespace: options.namespace, workflowExecution });
      await eventually('it is gone', () =>
        entity()
          .describe()
          .then(
            () => false,
            () => true,
          ),
      );
    },
    reset: async () => {
      const { workflowService, options } = stage.client;
      const { events } = await entity().fetchHistory();
      const first = events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId;
      await workflowService.resetWorkflowExecution({
        namespace: options.namespace,
        workflowExecution: { workflowId: entity().workflowId },
        reason: 'test',
        workflowTaskFinishEventId: first ?? null,
        requestId: randomUUID(),
      });
    },
  };
  for (const [how, lose] of Object.entries(losses)) {
    it(`after the entity was ${how}, its successor gives away nothing that is held, and forgets nobody`, async () => {
      // An offline without a limit asks for no permit, so it is none of those found.
      const free = stage.node.holdAt('offline.commit');
      const unlimited = await stage.start({
        type: 'offline',
        input: { ...stage.base, blockId: 33, offlineTimeoutMs: 10_000 },
      });
      await free.reached;
      const hold = other.holdAt('offline.commit');
      const first = await offline(other, 31);
      await hold.reached;
      const second = await waiting(other, 32);
      await lose();
      const third = await waiting(other, 33);
      // Until it has found out who holds a permit it shows nobody as a holder, and grants nothing.
      await eventually('the successor knows the holder', async () => (await purposes())[0]?.length === 1);
      assert.deepEqual(await purposes(), [
        ['offline memory31 of worker-2'],
        ['offline memory32 of worker-2', 'offline memory33 of worker-2'],
      ]);
      assert.deepEqual(
        other.steps,
        ['offline.prepare', 'offline.commit'],
        'nobody began while the first was under way',
      );
      hold.letGo();
      for (const run of [first, second, third]) assert.equal((await run.result()).result, 'Succeeded');
      free.letGo();
      assert.equal((await unlimited.result()).result, 'Succeeded');
      assert.deepEqual(await purposes(), [[], []]);
    });
  }

  it('one whose agent dies gives its permit back, once, and goes on without one when the agent is there again', async () => {
    const remote = new ScriptedNode('worker-3', STATES);
    const stopAgent = await stage.startAgent(remote);
    stage.notifiers = [registered('guard', { actions: ['MEM_GOING_OFFLINE'] })];
    stage.ask = async (_, { node }) => {
      if (node === remote.name) await stopAgent();
      return { kind: 'answer', answer: { result: 'NOTIFY_OK' } };
    };
    const first = await offline(remote, 31, { timings: { ...stage.base.timings, agentStartMs: 300 } });
    await eventually('it waits for the agent', async () => (await phaseOf(first)).phase === 'WaitingForAgent');
    const second = await offline(other, 31);
    assert.equal((await second.result()).result, 'Succeeded');
    assert.deepEqual(remote.steps, ['offline.prepare']);

    await stage.startAgent(remote);
    assert.equal((await first.result()).result, 'Succeeded');
    const told = (await activitiesOf(first)).filter((name) => name.endsWith('Permit'));
    assert.deepEqual(told, ['takePermit', 'releasePermit']);
    assert.deepEqual(await purposes(), [[], []]);
  });

  it('who waits asks again, so that a queue heals of which nobody speaks', async () => {
    const first = await underWay();
    const timings = { ...stage.base.timings, permitRepeatMs: 500 };
    const second = await waiting(other, 31, { timings });
    await entity().terminate('test');
    await first.run.terminate();
    first.letGo();
    assert.equal((await second.result()).result, 'Succeeded');
  });

  it('the entity goes on in run after run', async () => {
    await startEntity({ historyLengthMax: 15 });
    const { runId } = await entity().describe();
    const runs = await Promise.all([31, 32].flatMap((id) => [offline(stage.node, id), offline(other, id)]));
    for (const run of runs) assert.equal((await run.result()).result, 'Succeeded');
    assert.deepEqual(await purposes(), [[], []]);
    assert.notEqual((await entity().describe()).runId, runId);
  });
});
