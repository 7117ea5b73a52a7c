/** What is signalled to a service or to an operation by somebody who does not know how: it is dropped, and all goes on. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { DEVICE_HOTPLUG_LOCK } from '../../src/contract/lock-names.ts';
import {
  LOCK_DENIED_SIGNAL,
  LOCK_GRANTED_SIGNAL,
  LOCK_MESSAGE_SIGNAL,
  RELEASE_LOCK_UPDATE,
  REQUEST_LOCKS_UPDATE,
} from '../../src/contract/locks.ts';
import { offlinePermitsWorkflowId } from '../../src/contract/names.ts';
import {
  PERMIT_GRANTED_SIGNAL,
  PERMIT_MESSAGE_SIGNAL,
  REQUEST_PERMIT_UPDATE,
} from '../../src/contract/offline-permits.ts';
import { OperationStage, type Running } from '../support/operation-stage.ts';
import { ScriptedNode } from '../support/scripted-node.ts';

const D = { name: DEVICE_HOTPLUG_LOCK, mode: 'write' };
/** As a workflow run is named, and as none is. */
const SOMEBODY = { workflowId: 'somebody', runId: randomUUID() };
const UNREACHABLE = [
  { workflowId: 'somebody', runId: 'no-uuid' },
  { workflowId: '', runId: randomUUID() },
  { workflowId: 'x'.repeat(1001), runId: randomUUID() },
  { workflowId: '\ud800', runId: randomUUID() },
];
const NONSENSE: readonly unknown[] = [{}, null, 'granted', 7, [], [null], { kind: 'request' }, { id: 7, grants: {} }];

const LOCK_NONSENSE: readonly unknown[] = [
  ...NONSENSE,
  { holder: SOMEBODY, purpose: 'x', request: { id: 'a', locks: null } },
  { holder: SOMEBODY, purpose: 'x', request: { id: 'a', locks: [{ name: 7, mode: 'write' }] } },
  { holder: SOMEBODY, purpose: 'x', release: [{ kind: 'open', epoch: 1 }] },
  ...UNREACHABLE.map((holder) => ({ holder, purpose: 'x', request: { id: randomUUID(), locks: [D] } })),
];
const PERMIT_NONSENSE: readonly unknown[] = [
  ...NONSENSE,
  { kind: 'request', request: { holder: SOMEBODY, purpose: 'x' } },
  { kind: 'release' },
  ...UNREACHABLE.map((holder) => ({
    kind: 'request',
    request: { holder, purpose: 'x', limit: { max: 5, asOfMs: Date.now() } },
  })),
];

describe('a signal that nobody understands', function () {
  this.timeout(30_000);
  let stage: OperationStage;

  beforeEach(async () => {
    stage = await new OperationStage(new ScriptedNode('worker-1', { 31: 'online', 32: 'online', 33: 'online' })).open();
  });
  afterEach(() => stage.close());

  const handleOf = (workflowId: string): WorkflowHandle => stage.client.workflow.getHandle(workflowId);
  const offline = (blockId: number): Promise<Running> =>
    stage.start({
      type: 'offline',
      input: { ...stage.base, blockId, offlineTimeoutMs: 10_000, maxConcurrentOfflines: 1 },
    });

  async function send(handle: WorkflowHandle, signal: string, values: readonly unknown[]): Promise<void> {
    for (const value of values) await handle.signal(signal, value);
    await handle.signal(signal);
    await sendUnreadable(handle.workflowId, signal);
  }

  /** As somebody would whose data converter encrypts. */
  async function sendUnreadable(workflowId: string, signalName: string): Promise<void> {
    const { workflowService, options } = stage.client;
    const payload: Payload = { metadata: { encoding: Buffer.from('binary/encrypted') }, data: Buffer.from('?') };
    await workflowService.signalWorkflowExecution({
      namespace: options.namespace,
      workflowExecution: { workflowId },
      signalName,
      input: { payloads: [payload] },
    });
  }

  async function failedTasks(workflowId: string): Promise<number> {
    const { events } = await handleOf(workflowId).fetchHistory();
    return (events ?? []).filter((event) => event.workflowTaskFailedEventAttributes).length;
  }

  it('is dropped by the services, which go on granting; as an update it is refused', async () => {
    assert.equal((await (await offline(31)).result()).result, 'Succeeded');
    const services = [
      { id: stage.lockEntityId, signal: LOCK_MESSAGE_SIGNAL, update: REQUEST_LOCKS_UPDATE, nonsense: LOCK_NONSENSE },
      {
        id: offlinePermitsWorkflowId(stage.cluster),
        signal: PERMIT_MESSAGE_SIGNAL,
        update: REQUEST_PERMIT_UPDATE,
        nonsense: PERMIT_NONSENSE,
      },
    ];
    for (const { id, signal, update, nonsense } of services) {
      await send(handleOf(id), signal, nonsense);
      await assert.rejects(handleOf(id).executeUpdate(update, { args: [{}] }), rejectedFor(/not understood: /));
    }
    const byHand = handleOf(stage.lockEntityId).executeUpdate(RELEASE_LOCK_UPDATE, { args: [null] });
    await assert.rejects(byHand, rejectedFor(/not understood: it must be an object/));
    const release = { lock: '\ud800', token: 1, by: 'test', reason: 'test', isUnsafe: true };
    const ofNone = handleOf(stage.lockEntityId).executeUpdate(RELEASE_LOCK_UPDATE, { args: [release] });
    await assert.rejects(ofNone, rejectedFor(/not understood: lock must be/));
    assert.equal((await (await offline(32)).result()).result, 'Succeeded');
    for (const { id } of services) assert.equal(await failedTasks(id), 0);
    assert.deepEqual((await stage.lockTable()).locks, []);

    // Its successor reads the history of the lock entity.
    await handleOf(stage.lockEntityId).terminate('test');
    assert.equal((await (await offline(33)).result()).result, 'Succeeded');
    assert.ok((await stage.lockTable()).epoch > 1);
  });

  it('is dropped by an operation that waits for a permit or for locks', async () => {
    const hold = stage.node.holdAt('offline.commit');
    const first = await offline(31);
    await hold.reached;
    const second = await offline(32);
    const online = await stage.start({ type: 'online', input: { ...stage.base, blockId: 31, onlineType: 'online' } });
    for (const signal of [PERMIT_GRANTED_SIGNAL, LOCK_GRANTED_SIGNAL, LOCK_DENIED_SIGNAL]) {
      for (const { workflowId } of [second, online]) await send(handleOf(workflowId), signal, NONSENSE);
    }
    hold.letGo();
    for (const run of [first, second, online]) {
      assert.equal((await run.result()).result, 'Succeeded');
      assert.equal(await failedTasks(run.workflowId), 0);
    }
  });
});

/** The reason of a failed update stands in the cause of its error. */
function rejectedFor(why: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.match(String((error as Error).cause), why);
    return true;
  };
}
