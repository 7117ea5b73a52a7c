import assert from 'node:assert/strict';
import type { LockTableView } from '../../src/contract/locks.ts';
import { blockOf, NODE, nodeMemoryOf } from '../support/block-fixtures.ts';
import { ControllerStage } from '../support/controller-stage.ts';
import { partyOf, tableOf } from '../support/fake-lock-service.ts';

const NAME = 'worker-1-memory32';
const D = 'device_hotplug_lock';
const START = '2026-01-01T12:00:00Z';
const HOLDER = partyOf('offline memory33', 'run-holder', '2026-01-01T11:59:00Z');
const WAITER = partyOf('online memory32', 'run-1', START);

describe('a wait for locks', () => {
  let stage: ControllerStage;

  beforeEach(() => {
    stage = new ControllerStage();
  });
  afterEach(() => stage.close());

  const shown = () => stage.cluster.nodeMemories.get(NODE)?.status?.locks;

  async function waitForLocks(table: LockTableView | 'stopped' | undefined, replicas = 1): Promise<void> {
    stage.operations.progress = { phase: 'WaitingForLocks', since: START };
    stage.locks.answer = table;
    await stage.run(blockOf({ state: 'online' }, { state: 'offline' }), replicas);
  }

  it('is told once it is long: in the block with the holder, and in the node with all that wait', async () => {
    await waitForLocks(tableOf([{ name: D, holders: [HOLDER], waiters: [WAITER] }]));
    await stage.pass(4_000);
    assert.equal(stage.ready(NAME)[1], 'Operating');
    assert.deepEqual([shown(), stage.locks.looks], [undefined, 0]);
    await stage.pass(2_000);
    const [, reason, message] = stage.ready(NAME);
    assert.equal(reason, 'WaitingForLocks');
    assert.match(message, /offline memory33 holds device_hotplug_lock since 2026-01-01T11:59:00Z/);
    assert.equal(stage.status(NAME).operation?.phase, 'WaitingForLocks');
    assert.deepEqual(shown(), [
      {
        name: D,
        holders: ['offline memory33 (write) since 2026-01-01T11:59:00Z, workflow wf-run-holder'],
        waiters: [`online memory32 (write) since ${START}, workflow wf-run-1`],
      },
    ]);
  });

  it('is written once by all operators, however long it lasts, and cleared when nobody waits any more', async () => {
    await waitForLocks(tableOf([{ name: D, holders: [HOLDER], waiters: [WAITER] }]), 3);
    await stage.pass(30_000);
    assert.equal(new Set(stage.cluster.shownLocks.map((locks) => JSON.stringify(locks))).size, 1);
    assert.ok(stage.cluster.shownLocks.length <= 3, 'at most once by each');
    stage.operations.progress = { phase: 'Driving', since: START };
    stage.locks.answer = tableOf([{ name: D, holders: [WAITER], waiters: [] }]);
    await stage.pass(6_000);
    assert.equal(shown(), undefined);
    const { looks } = stage.locks;
    await stage.pass(30_000);
    assert.equal(stage.locks.looks, looks, 'nobody looks any more');
  });

  it('that is short is not shown in the node', async () => {
    const waiter = partyOf('online memory40', 'run-40', '2026-01-01T12:00:04Z');
    await waitForLocks(tableOf([{ name: D, holders: [HOLDER], waiters: [waiter] }]));
    await stage.pass(6_000);
    assert.equal(shown(), undefined);
  });

  it('that an operator showed which is no more is cleared by another', async () => {
    const locks = [{ name: D, holders: ['somebody'], waiters: ['somebody else'] }];
    stage.cluster.nodeMemories.set(NODE, { ...nodeMemoryOf(), status: { ...nodeMemoryOf().status, locks } });
    stage.locks.answer = tableOf([]);
    await stage.run(blockOf({}, { state: 'offline' }));
    assert.equal(shown(), undefined);
  });

  it('for a holder that has ended, on a node whose agent is away: says so, and what to do', async () => {
    const holder = { ...HOLDER, isClosed: true };
    const unsettled = 'the agent of worker-1 has not answered for 10 s';
    await waitForLocks(tableOf([{ name: D, holders: [holder], waiters: [WAITER] }], { unsettled }));
    await stage.pass(6_000);
    const [, reason, message] = stage.ready(NAME);
    assert.equal(reason, 'AgentUnavailable');
    assert.match(message, /offline memory33 holds device_hotplug_lock since .*, though its workflow has ended/);
    assert.match(message, /has not answered for 10 s\. Start the agent of worker-1; .*memhp locks release/);
  });

  it('for a lock service that has no epoch to grant in: says why, and what to do', async () => {
    const refused = 'no lock of worker-1 is granted: docs/restore.md says what to do';
    await waitForLocks(tableOf([{ name: D, holders: [], waiters: [WAITER] }], { refused }));
    await stage.pass(6_000);
    const [, reason, message] = stage.ready(NAME);
    assert.deepEqual([reason, message.endsWith(refused)], ['AgentUnavailable', true], message);
  });

  it('for a lock entity that is gone wakes another', async () => {
    await waitForLocks('stopped');
    await stage.pass(6_000);
    assert.ok(stage.locks.woken.includes(NODE));
    assert.equal(stage.ready(NAME)[1], 'WaitingForLocks');
  });

  it('goes on being shown while the lock service cannot be asked', async () => {
    await waitForLocks(tableOf([{ name: D, holders: [HOLDER], waiters: [WAITER] }]));
    await stage.pass(6_000);
    const before = shown();
    stage.locks.answer = undefined;
    await stage.pass(10_000);
    assert.deepEqual(shown(), before);
  });
});
