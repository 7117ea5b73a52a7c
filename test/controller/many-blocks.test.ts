/** What a controller asks of the servers for many blocks of one node: it grows with their number, and no faster. */
import assert from 'node:assert/strict';
import { blockOf, nodeMemoryOf } from '../support/block-fixtures.ts';
import { ControllerStage } from '../support/controller-stage.ts';
import { partyOf, tableOf } from '../support/fake-lock-service.ts';

const START = '2026-01-01T12:00:00Z';
const D = 'device_hotplug_lock';

describe('many blocks of one node', () => {
  let stage: ControllerStage;

  beforeEach(() => {
    stage = new ControllerStage();
    // As many replicas together may have, each with its share.
    stage.operationsPerNode = Number.POSITIVE_INFINITY;
    stage.operations.progress = { phase: 'WaitingForLocks', since: START };
  });
  afterEach(() => stage.close());

  /** One operation runs for each block; the first holds the lock since `heldSince`, the others wait. */
  async function runMany(count: number, heldSince: string): Promise<void> {
    await stage.run(blockOf({ blockId: 0, state: 'online' }, { state: 'offline' }));
    for (let blockId = 1; blockId < count; blockId++) {
      stage.cluster.put(blockOf({ blockId, state: 'online' }, { state: 'offline' }));
    }
    await stage.settle();
    await stage.settle();
    assert.equal(stage.operations.runs.length, count);
    showTable(heldSince);
  }

  function showTable(heldSince: string): void {
    const running = stage.operations.runs.filter(({ isRunning }) => isRunning);
    const [holder, ...waiters] = running.map(({ request, runId }) =>
      partyOf(`online of ${request.input.block?.name ?? ''}`, runId, START),
    );
    const holders = holder ? [{ ...holder, since: heldSince }] : [];
    stage.locks.answer = tableOf([{ name: D, holders, waiters }]);
  }

  const asked = () => ({
    api: stage.cluster.requests,
    temporal: stage.operations.requests,
    tables: stage.locks.looks,
  });

  async function during(act: () => Promise<void>): Promise<ReturnType<typeof asked>> {
    const before = asked();
    await act();
    const now = asked();
    return {
      api: now.api - before.api,
      temporal: now.temporal - before.temporal,
      tables: now.tables - before.tables,
    };
  }

  it('that wait for a lock cost one question each per look, and one lock table for all', async () => {
    await runMany(100, START);
    await stage.pass(10_000);
    const { api, temporal, tables } = await during(() => stage.pass(20_000));
    assert.equal(api, 0, 'nothing has changed');
    assert.ok(temporal <= 4 * 110, `${String(temporal)} questions about 100 operations in 4 looks`);
    assert.ok(tables <= 20, `${String(tables)} lock tables in 20 s`);
  });

  it('that wait in a queue that moves are not written anew each time that its head changes', async () => {
    await runMany(100, START);
    await stage.pass(10_000);
    const ends = 20;
    const { api } = await during(async () => {
      for (let end = 0; end < ends; end++) {
        stage.operations.end();
        showTable(new Date(stage.clock.nowMs()).toISOString());
        await stage.pass(1_000);
      }
    });
    // Once to take the name of the first holder away; and for each end: its status, an event, the node's locks.
    assert.ok(api <= 100 + 10 * ends, `${String(api)} requests for ${String(ends)} ends among 100 operations`);
  });

  it('are not looked at anew because a status was written', async () => {
    await runMany(20, START);
    await stage.pass(6_000);
    const cost = await during(async () => {
      for (let blockId = 0; blockId < 20; blockId++) {
        stage.cluster.patchStatus(`worker-1-memory${String(blockId)}`, (status) => ({ ...status, fencingToken: 7 }));
      }
      await stage.settle();
    });
    assert.deepEqual(cost, { api: 0, temporal: 0, tables: 0 });
  });

  it('are not written anew because the agent sees another state, until the next look at what runs', async () => {
    await runMany(1, START);
    const online = () => stage.status('worker-1-memory0').conditions?.find(({ type }) => type === 'Online')?.status;
    const cost = await during(async () => {
      stage.cluster.patchStatus('worker-1-memory0', (status) => ({ ...status, state: 'online', zone: 'Normal' }));
      await stage.settle();
    });
    assert.deepEqual([cost, online()], [{ api: 0, temporal: 0, tables: 0 }, 'False']);
    await stage.pass(5_000);
    assert.equal(online(), 'True');
  });

  it('show what the agent sees with the end of their operation', async () => {
    await runMany(1, START);
    stage.operations.end();
    await stage.settle();
    const shown = stage.status('worker-1-memory0').conditions?.map(({ type, status }) => `${type}=${status}`);
    assert.deepEqual(shown, ['Ready=True', 'Reconciling=False', 'Stalled=False', 'Present=True', 'Online=True']);
  });

  it('cost nothing when their node reports blocks, locks or a kubelet', async () => {
    await runMany(20, START);
    await stage.pass(10_000);
    const node = nodeMemoryOf();
    const blocks = [{ range: '0-19', state: 'online' }] as const;
    const cost = await during(async () => {
      stage.controllers[0]?.nodeMemoryChanged({ ...node, status: { ...node.status, blocks, online: '4Gi' } }, 'update');
      await stage.settle();
    });
    assert.deepEqual(cost, { api: 0, temporal: 0, tables: 0 });
  });
});
