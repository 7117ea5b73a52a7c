/** The fast way of a request for locks: an update that is answered at once, or not at all. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { DEVICE_HOTPLUG_LOCK } from '../../src/contract/lock-names.ts';
import {
  LOCK_GRANTED_SIGNAL,
  LOCK_MESSAGE_SIGNAL,
  REQUEST_LOCKS_UPDATE,
  type LockGranted,
} from '../../src/contract/locks.ts';
import { eventually } from '../support/eventually.ts';
import { eventsOf } from '../support/history-story.ts';
import { LockStage, type Requester } from '../support/lock-stage.ts';

const D = { name: DEVICE_HOTPLUG_LOCK, mode: 'write' } as const;

describe('a request for locks by update', () => {
  let stage: LockStage;
  beforeEach(async () => {
    stage = await new LockStage().open();
    await stage.startEntity();
    await eventually('the entity grants', async () => !(await stage.view()).isRecovering);
  });
  afterEach(() => stage.close());

  async function grantSignals({ handle }: Requester): Promise<number> {
    const events = await eventsOf(stage.client, handle.workflowId);
    const signals = events.map((event) => event.workflowExecutionSignaledEventAttributes?.signalName);
    return signals.filter((name) => name === LOCK_GRANTED_SIGNAL).length;
  }

  it('is answered with the grant when the locks are free, and no signal is sent', async () => {
    const message = {
      holder: { workflowId: 'nobody', runId: randomUUID() },
      purpose: 'first',
      request: { id: 'nobody/1', locks: [D] },
    };
    const granted = await stage.entity.executeUpdate<LockGranted, [typeof message]>(REQUEST_LOCKS_UPDATE, {
      args: [message],
    });
    assert.deepEqual(
      granted.grants.map(({ name }) => name),
      [D.name],
    );
    assert.deepEqual(await stage.queueOf(D.name), { holders: ['first'], waiters: [] });
    const events = await eventsOf(stage.client, stage.entity.workflowId);
    assert.ok(events.every((event) => !event.signalExternalWorkflowExecutionInitiatedEventAttributes));
  });

  it('is answered by signal when it has to wait', async () => {
    const first = await stage.requester('first');
    await first.hold(D);
    const second = await stage.requester('second');
    const granted = second.hold(D);
    await eventually('second waits', async () => (await stage.queueOf(D.name)).waiters.includes('second'));
    await first.end();
    await granted;
    assert.equal(await grantSignals(second), 1);
    await second.end();
  });

  it('is one with the same request by signal: told again, granted once', async () => {
    const requester = await stage.requester('first');
    const { id, locks } = await requester.hold(D);
    const told = await grantSignals(requester);
    const { workflowId } = requester.handle;
    const { runId } = await requester.handle.describe();
    const message = { holder: { workflowId, runId }, purpose: 'first', request: { id, locks: [D] } };
    await stage.entity.signal(LOCK_MESSAGE_SIGNAL, message);
    await eventually('it is told again', async () => (await grantSignals(requester)) === told + 1);
    const again = await stage.entity.executeUpdate<LockGranted, [typeof message]>(REQUEST_LOCKS_UPDATE, {
      args: [message],
    });
    assert.deepEqual(again.grants, locks);
    await requester.end();
    assert.deepEqual(await stage.queueOf(D.name), { holders: [], waiters: [] });
  });

  it('leaves the locks with a dead holder that may have learnt of the grant, until it is settled', async () => {
    await stage.stopAgent();
    const dead = await stage.requester('dead');
    const { id } = await dead.hold(D);
    const { workflowId } = dead.handle;
    const { runId } = await dead.handle.describe();
    await dead.terminate();
    const message = { holder: { workflowId, runId }, purpose: 'dead', request: { id, locks: [D] } };
    await stage.entity.signal(LOCK_MESSAGE_SIGNAL, message);
    const holder = await eventually('it is known to be closed', async () => {
      const [party] = (await stage.view()).locks[0]?.holders ?? [];
      return party?.isClosed && party;
    });
    assert.equal(holder.purpose, 'dead');
  });
});
