/** The requester's side of the locks against a scripted entity, which answers late, twice, or what nobody asked for. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type { LockActivities, LockMessageInput } from '../../src/contract/activities.ts';
import {
  LOCK_DENIED_SIGNAL,
  LOCK_GRANTED_SIGNAL,
  type LockMessage,
  type LockRelease,
  type LockRequest,
} from '../../src/contract/locks.ts';
import type { HeldLock, WantedLock } from '../../src/kernel/lock.ts';
import { bundleWorkflows } from '../../src/temporal/workflow-bundle.ts';
import type { Refused, Taken } from '../../workflows/lock-client.ts';
import { eventually } from '../support/eventually.ts';
import { sharedTemporal } from '../support/shared-temporal.ts';
import type { LockRequesterInput, TakeCommand } from '../support/workflows/lock-requester.ts';

const D: WantedLock = { name: 'device_hotplug_lock', mode: 'write' };
const M: WantedLock = { name: 'mem_hotplug_lock', mode: 'write' };
const L32: WantedLock = { name: 'device_lock/memory32', mode: 'write' };

describe('the requester of locks', function () {
  this.timeout(60_000);
  const taskQueue = `t-${randomUUID().slice(0, 8)}/requesters`;
  let worker: Worker;
  let working: Promise<void>;
  /** Messages to the entity, of all runs. */
  const messages: LockMessage[] = [];
  let run: WorkflowHandle;
  let lastToken = 0;

  before(async () => {
    const { native: connection, namespace } = await sharedTemporal();
    const script = path.resolve(import.meta.dirname, '../support/workflows/lock-requester.ts');
    const note = ({ message }: LockMessageInput): Promise<void> => {
      messages.push(message);
      return Promise.resolve();
    };
    const record = async (input: LockMessageInput): Promise<{ kind: 'sent' }> => {
      await note(input);
      return { kind: 'sent' };
    };
    const activities: LockActivities = { takeLocks: record, releaseLocks: note, reportHolder: note };
    worker = await Worker.create({
      connection,
      namespace,
      taskQueue,
      workflowBundle: await bundleWorkflows(script),
      activities: { ...activities },
    });
    working = worker.run();
  });
  after(async () => {
    worker.shutdown();
    await working;
  });

  beforeEach(() => begin());
  afterEach(async () => {
    if ((await run.describe()).status.name === 'RUNNING') await run.signal('end');
    await run.result();
  });

  async function begin(more: Partial<LockRequesterInput> = {}): Promise<void> {
    const { client } = await sharedTemporal();
    const input: LockRequesterInput = { cluster: 'test', node: 'worker-1', purpose: 'test', ...more };
    run = await client.workflow.start('lockRequester', { taskQueue, workflowId: randomUUID(), args: [input] });
  }

  /** Messages of the present run. */
  function sent(): LockMessage[] {
    const { firstExecutionRunId } = run as WorkflowHandle & { firstExecutionRunId: string };
    return messages.filter(({ holder }) => holder.runId === firstExecutionRunId);
  }
  const requests = (): LockRequest[] => sent().flatMap(({ request }) => (request ? [request] : []));
  const releases = (): LockRelease[] => sent().flatMap(({ release }) => release ?? []);

  function take(...locks: WantedLock[]): Promise<Taken | Refused> {
    return takeWith({ locks });
  }
  function takeWith(command: TakeCommand): Promise<Taken | Refused> {
    return run.executeUpdate<Taken | Refused, [TakeCommand]>('take', { args: [command] });
  }
  function release(taken: Taken, ...names: string[]): Promise<readonly string[]> {
    return run.executeUpdate<readonly string[], [Taken, ...string[]]>('release', { args: [taken, ...names] });
  }
  function tokens(): Promise<Record<string, number>> {
    return run.query('tokens');
  }

  async function untilRequest(count: number): Promise<LockRequest> {
    return eventually(`request ${String(count)}`, () => requests()[count - 1]);
  }
  async function grant(id: string, ...locks: WantedLock[]): Promise<readonly HeldLock[]> {
    const grants = locks.map((lock) => ({ ...lock, token: ++lastToken, sinceMs: 0 }));
    await run.signal(LOCK_GRANTED_SIGNAL, { id, grants });
    return grants;
  }

  /** Takes `locks`, which the entity grants. */
  async function taken(...locks: WantedLock[]): Promise<Taken> {
    const taking = take(...locks);
    const { id } = await untilRequest(requests().length + 1);
    await grant(id, ...locks);
    const answer = await taking;
    assert.equal(answer.kind, 'taken');
    return answer;
  }

  it('holds what was granted, with a token per lock, until it gives it back', async () => {
    const held = await taken(D, M);
    assert.deepEqual(await tokens(), Object.fromEntries(held.locks.map(({ name, token }) => [name, token])));
    assert.deepEqual(await release(held, M.name), [M.name]);
    assert.deepEqual(Object.keys(await tokens()), [D.name]);
    assert.deepEqual(await release(held), [D.name]);
    assert.deepEqual(releases(), [{ id: held.id, names: [M.name] }, { id: held.id }]);
  });

  it('gives back twice with one message', async () => {
    const held = await taken(D);
    await release(held);
    assert.deepEqual(await release(held), []);
    assert.deepEqual(releases(), [{ id: held.id }]);
  });

  it('releases and requests in one message', async () => {
    const held = await taken(D, L32);
    const taking = takeWith({ locks: [M], release: [{ taken: held, names: [L32.name] }] });
    const { id } = await untilRequest(2);
    assert.deepEqual(Object.keys(await tokens()), [D.name], 'what was given back is not held while it waits');
    await grant(id, M);
    await taking;
    assert.deepEqual(sent().at(-1)?.release, [{ id: held.id, names: [L32.name] }]);
    assert.equal(sent().length, 2);
    assert.deepEqual(Object.keys(await tokens()), [D.name, M.name]);
  });

  it('says that it only tries, whose plugin it asks for, and how long it may wait', async () => {
    await run.signal('end');
    await begin({ causedBy: 'the-operation', timeoutMs: 5_000 });
    const trying = takeWith({ locks: [M], tryLock: true });
    const request = await untilRequest(1);
    assert.deepEqual(request, {
      id: request.id,
      locks: [M],
      tryLock: true,
      causedBy: 'the-operation',
      timeoutMs: 5_000,
    });
    await run.signal(LOCK_DENIED_SIGNAL, { id: request.id, errno: 'EBUSY', message: 'held' });
    assert.deepEqual(await trying, { kind: 'refused', id: request.id, errno: 'EBUSY', message: 'held' });
    assert.deepEqual(await tokens(), {});
  });

  it('uses renewed tokens from the renewal on; what was given back stays given back', async () => {
    const held = await taken(D, L32, M);
    await release(held, M.name);
    const renewed = await grant(held.id, D, L32, M);
    await eventually('the new tokens count', async () => (await tokens())[D.name] === renewed[0]?.token);
    assert.deepEqual(await tokens(), { [D.name]: renewed[0]?.token, [L32.name]: renewed[1]?.token });
    // The entity believes that M is held: it is told again.
    assert.deepEqual(releases(), [
      { id: held.id, names: [M.name] },
      { id: held.id, names: [M.name] },
    ]);
  });

  it('ignores a grant that comes twice, and tokens older than those it has', async () => {
    const held = await taken(D);
    const before = await tokens();
    await run.signal(LOCK_GRANTED_SIGNAL, { id: held.id, grants: held.locks });
    await run.signal(LOCK_GRANTED_SIGNAL, { id: held.id, grants: held.locks.map((lock) => ({ ...lock, token: 0 })) });
    assert.deepEqual(await tokens(), before);
    assert.deepEqual(releases(), []);
  });

  it('ignores a denial that comes after the grant', async () => {
    const held = await taken(D);
    await run.signal(LOCK_DENIED_SIGNAL, { id: held.id, errno: 'ETIMEDOUT', message: 'late' });
    assert.deepEqual(Object.keys(await tokens()), [D.name]);
  });

  it('withdraws its request when it is cancelled while it waits, and gives back a grant that comes after all', async () => {
    const taking = take(D);
    const { id } = await untilRequest(1);
    await run.cancel();
    const refused = await taking;
    assert.equal(refused.kind === 'refused' && refused.errno, 'ECANCELED');
    assert.deepEqual(releases(), [{ id }]);
    await grant(id, D);
    await eventually('the late grant is given back', () => releases().length === 2);
    assert.deepEqual(releases()[1], { id });
    assert.deepEqual(await tokens(), {});
  });

  it('waits on when it is cancelled while it holds another lock', async () => {
    const held = await taken(D);
    const taking = take(M);
    const { id } = await untilRequest(2);
    await run.cancel();
    await grant(id, M);
    assert.equal((await taking).kind, 'taken');
    assert.deepEqual(Object.keys(await tokens()), [D.name, M.name]);
    await release(held);
  });

  it('leaves the grant of another run alone', async () => {
    await taken(D);
    await grant('another-run/1', M);
    assert.deepEqual(Object.keys(await tokens()), [D.name]);
    assert.deepEqual(releases(), []);
  });

  it('tells that a holder is not heard of, and that it has returned, and releases nothing', async () => {
    const held = await taken(D);
    await run.executeUpdate('suspect', { args: [held, 'no heartbeat'] });
    await run.executeUpdate('suspect', { args: [held] });
    assert.deepEqual(
      sent().map(({ suspect }) => suspect),
      [undefined, { id: held.id, reason: 'no heartbeat' }, { id: held.id }],
    );
    assert.deepEqual(releases(), []);
  });

  it('gives everything back at its end, the locks taken last first', async () => {
    const first = await taken(D);
    const second = await taken(L32, M);
    await run.signal('end');
    assert.deepEqual(await run.result(), [M.name, L32.name, D.name]);
    assert.deepEqual(releases(), [{ id: second.id }, { id: first.id }]);
  });
});
