/** What people and servers can do to the lock service beyond ending it: resets of requesters, cancellation, claims that come late. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { DEVICE_HOTPLUG_LOCK, MEM_HOTPLUG_LOCK } from '../../src/contract/lock-names.ts';
import { LOCK_GRANTED_SIGNAL, LOCK_MESSAGE_SIGNAL, type LockMessage } from '../../src/contract/locks.ts';
import { operationsTaskQueue } from '../../src/contract/names.ts';
import { eventually } from '../support/eventually.ts';
import { LockStage, Requester } from '../support/lock-stage.ts';
import { ask, earlyAnswer } from '../support/workflows/early-answer.ts';

const D = { name: DEVICE_HOTPLUG_LOCK, mode: 'write' } as const;
const M = { name: MEM_HOTPLUG_LOCK, mode: 'write' } as const;
const M_READ = { name: MEM_HOTPLUG_LOCK, mode: 'read' } as const;
const L1 = { name: 'device_lock/memory1', mode: 'write' } as const;

describe('the lock service in adversity', () => {
  let stage: LockStage;
  beforeEach(async () => {
    stage = await new LockStage().open();
  });
  afterEach(() => stage.close());

  async function isWaiting(purpose: string, name: string): Promise<void> {
    await eventually(`${purpose} waits`, async () => (await stage.queueOf(name)).waiters.includes(purpose));
  }

  it('a reader that was reset asks anew, and no writer comes in beside it', async () => {
    await stage.startEntity();
    const reader = await stage.requester('reader');
    await reader.hold(M_READ);
    const { workflowId } = reader.handle;
    const { events } = await reader.handle.fetchHistory();
    const eventId = events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId ?? null;
    await stage.client.workflowService.resetWorkflowExecution({
      namespace: stage.client.options.namespace,
      workflowExecution: { workflowId, runId: (await reader.handle.describe()).runId },
      reason: 'test',
      workflowTaskFinishEventId: eventId,
      requestId: randomUUID(),
    });
    const again = new Requester(stage.client.workflow.getHandle(workflowId));
    await eventually('the new run holds the lock', async () => M.name in (await again.tokens()));
    const writer = await stage.requester('writer');
    const granted = writer.hold(M);
    await isWaiting('writer', M.name);
    await eventually('the old run has lost it, the new one has not', async () => {
      const [holders] = (await stage.view()).locks.map((lock) => lock.holders);
      return holders?.length === 1 && holders[0]?.runId !== undefined;
    });
    await again.end();
    await granted;
    await writer.end();
  });

  it('what a run before a reset held is not free because the run after it says so', async () => {
    await stage.startEntity();
    const holder = await stage.requester('holder');
    const { id, locks } = await holder.hold(D);
    await holder.terminate();
    const message: LockMessage = {
      holder: { workflowId: holder.handle.workflowId, runId: randomUUID() },
      purpose: 'holder',
      release: [{ id }],
    };
    await stage.entity.signal(LOCK_MESSAGE_SIGNAL, message);
    const next = await stage.requester('next');
    await next.hold(D);
    assert.deepEqual(stage.settled, [{ tokens: { [D.name]: locks[0]?.token } }]);
    await next.end();
  });

  it('cancelling the lock entity changes nothing', async () => {
    await stage.startEntity();
    const first = await stage.requester('first');
    await first.hold(D);
    const next = await stage.requester('next');
    const granted = next.hold(D);
    await isWaiting('next', D.name);
    await stage.entity.cancel();
    await eventually('it knows', async () => {
      const { events = [] } = await stage.entity.fetchHistory();
      return events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes);
    });
    await first.end();
    await granted;
    await next.end();
    assert.equal((await stage.entity.describe()).status.name, 'RUNNING');
  });

  it('a claim that comes late, for a run of the past, makes nobody forget a holder', async () => {
    await stage.startEntity({ historyLengthMax: 30 });
    const filler = await stage.requester('filler');
    const continued = async (): Promise<string> => {
      const from = await stage.entityRunId();
      while ((await stage.entityRunId()) === from) await filler.release(await filler.hold(L1));
      await eventually('the next run is open', async () => !(await stage.view()).isRecovering);
      return from;
    };
    const zero = await continued();
    const one = await continued();
    const holder = await stage.requester('holder');
    await holder.hold(D);
    const { cluster, node } = stage;
    await stage.records.activities.claimLockService({ cluster, node, runId: one, previousRunId: zero, epoch: 1 });
    assert.equal(stage.records.records.get(node)?.runId, one, 'the record is of the past');
    await continued();
    assert.deepEqual((await stage.queueOf(D.name)).holders, ['holder']);
    await eventually(
      'the holder knows its new token',
      async () => ((await holder.tokens())[D.name] ?? 0) > 2 * 2 ** 31,
    );
    await holder.end();
  });

  // As when a workflow task is done again: its worker died after the request had left, and the answer came meanwhile.
  it('an answer that is there before its requester has come to the request is not lost', async () => {
    const handle = await stage.client.workflow.start(earlyAnswer, {
      workflowId: `${stage.cluster}/early-answer`,
      taskQueue: operationsTaskQueue(stage.cluster),
      args: ['request'],
    });
    const granted = { id: 'request', grants: [{ ...D, token: 1, sinceMs: 0 }] };
    await handle.signal(LOCK_GRANTED_SIGNAL, { ...granted, id: 'of another run' });
    await handle.signal(LOCK_GRANTED_SIGNAL, granted);
    await handle.signal(ask);
    assert.deepEqual(await handle.result(), [granted]);
  });
});
