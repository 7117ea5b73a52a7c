/** What becomes of locks when holders, waiters or the lock entity itself die: nothing is handed out twice, nobody waits for ever. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { DEVICE_HOTPLUG_LOCK, MEM_HOTPLUG_LOCK } from '../../src/contract/lock-names.ts';
import { locksTaskQueue, nodeLocksWorkflowId } from '../../src/contract/names.ts';
import { LOCK_MESSAGE_SIGNAL } from '../../src/contract/locks.ts';
import { NODE_LOCKS_WORKFLOW } from '../../src/contract/node-locks.ts';
import { epochOf } from '../../src/kernel/token.ts';
import { eventually } from '../support/eventually.ts';
import { LockStage, type Requester } from '../support/lock-stage.ts';

const D = { name: DEVICE_HOTPLUG_LOCK, mode: 'write' } as const;
const M = { name: MEM_HOTPLUG_LOCK, mode: 'write' } as const;
const M_READ = { name: MEM_HOTPLUG_LOCK, mode: 'read' } as const;

describe('liveness of the lock service', () => {
  let stage: LockStage;
  beforeEach(async () => {
    stage = await new LockStage().open();
    await stage.startEntity();
  });
  afterEach(() => stage.close());

  async function isWaiting(purpose: string, name: string): Promise<void> {
    await eventually(`${purpose} waits`, async () => (await stage.queueOf(name)).waiters.includes(purpose));
  }

  /** Starts to wait for D and says so when it does; the promise of the grant is in the array, so that it is not awaited. */
  async function waiter(purpose: string): Promise<[Requester, ReturnType<Requester['hold']>]> {
    const requester = await stage.requester(purpose);
    const granted = requester.hold(D);
    granted.catch(() => undefined);
    await isWaiting(purpose, D.name);
    return [requester, granted];
  }

  describe('a holder that was terminated', () => {
    it('is settled at the node, and its locks go to who waits', async () => {
      const dead = await stage.requester('dead');
      const held = await dead.hold(D, M);
      const [next, granted] = await waiter('next');
      await dead.terminate();
      const taken = await granted;
      const token = (name: string) => held.locks.find((lock) => lock.name === name)?.token;
      assert.deepEqual(stage.settled, [{ tokens: { [D.name]: token(D.name), [M.name]: token(M.name) } }]);
      assert.ok((taken.locks[0]?.token ?? 0) > (token(M.name) ?? Infinity));
      assert.match(await stage.metrics.metrics(), /memhp_lock_reclaims_total\{reason="closed"\} 1/);
      await next.end();
    });

    it('keeps its locks while the agent is away, and that is told', async () => {
      const dead = await stage.requester('dead');
      await dead.hold(D);
      await stage.stopAgent();
      const [next, granted] = await waiter('next');
      await dead.terminate();
      const view = await eventually('the reason is shown', async () => {
        const seen = await stage.view();
        return seen.unsettled !== undefined && seen;
      });
      assert.match(view.unsettled ?? '', /agent of worker-1 has not answered/);
      assert.deepEqual(await stage.queueOf(D.name), { holders: ['dead'], waiters: ['next'] });
      assert.ok(view.locks[0]?.holders[0]?.isClosed);
      await stage.startAgent();
      await granted;
      assert.equal((await stage.view()).unsettled, undefined);
      await next.end();
    });

    it('needs no agent when its node has left the cluster', async () => {
      const dead = await stage.requester('dead');
      await dead.hold(D);
      await stage.stopAgent();
      stage.records.nodeIsOver = 'Node worker-1 was deleted from the cluster';
      const [next, granted] = await waiter('next');
      await dead.terminate();
      await granted;
      assert.deepEqual(stage.settled, []);
      await next.end();
    });

    it('needs no agent when it was a reader', async () => {
      await stage.stopAgent();
      const dead = await stage.requester('dead');
      await dead.hold(M_READ);
      const next = await stage.requester('next');
      const granted = next.hold(M);
      await isWaiting('next', M.name);
      await dead.terminate();
      await granted;
      await next.end();
    });
  });

  it('passes by a waiter that was terminated', async () => {
    const first = await stage.requester('first');
    await first.hold(D);
    const [dead] = await waiter('dead');
    const [next, granted] = await waiter('next');
    await dead.terminate();
    await first.end();
    await granted;
    await next.end();
  });

  it('leaves a holder alone that is slow, however long somebody waits', async () => {
    const slow = await stage.requester('slow');
    await slow.hold(D);
    const [next, granted] = await waiter('next');
    const looks = async () => (await stage.entity.fetchHistory()).events?.filter(isLook).length ?? 0;
    await eventually('it was looked at three times', async () => (await looks()) >= 3);
    assert.deepEqual(await stage.queueOf(D.name), { holders: ['slow'], waiters: ['next'] });
    await slow.end();
    await granted;
    await next.end();
  });

  describe('a lock taken away by hand', () => {
    const by = { by: 'ada', reason: 'the node is off', isUnsafe: false };

    it('is settled first, and audited', async () => {
      const holder = await stage.requester('holder');
      const { locks } = await holder.hold(D);
      const token = locks[0]?.token ?? 0;
      const [next, granted] = await waiter('next');
      const released = await stage.releaseByHand({ lock: D.name, token, ...by });
      assert.deepEqual([released.purpose, released.isSettled], ['holder', true]);
      assert.deepEqual(stage.settled, [{ tokens: { [D.name]: token } }]);
      assert.deepEqual(
        stage.records.releases.map((audit) => [audit.by, audit.reason, audit.lock, audit.token]),
        [['ada', 'the node is off', D.name, token]],
      );
      await granted;
      await next.end();
    });

    it('is refused with another token, and changes nothing', async () => {
      const holder = await stage.requester('holder');
      const { locks } = await holder.hold(D);
      const token = (locks[0]?.token ?? 0) + 1;
      await assert.rejects(stage.releaseByHand({ lock: D.name, token, ...by }), (error: Error) =>
        (error.cause as Error).message.includes('held by holder with token'),
      );
      assert.deepEqual((await stage.queueOf(D.name)).holders, ['holder']);
      await holder.end();
    });

    it('is not released while the agent is away, unless that is asked for', async () => {
      const holder = await stage.requester('holder');
      const { locks } = await holder.hold(D);
      const token = locks[0]?.token ?? 0;
      await stage.stopAgent();
      await assert.rejects(stage.releaseByHand({ lock: D.name, token, ...by }), (error: Error) =>
        /nothing was released.*--unsafe/.test((error.cause as Error).message),
      );
      const released = await stage.releaseByHand({ lock: D.name, token, ...by, isUnsafe: true });
      assert.equal(released.isSettled, false);
      assert.deepEqual((await stage.view()).locks, []);
    });
  });

  describe('a lock entity that is lost', () => {
    /** A holder of D, a reader of M, a waiter for D. */
    async function scene(): Promise<{ holder: Requester; next: Requester; granted: Promise<unknown>; before: number }> {
      const holder = await stage.requester('holder');
      const { locks } = await holder.hold(D);
      const reader = await stage.requester('reader');
      const read = await reader.hold(M_READ);
      const [next, granted] = await waiter('next');
      return { holder, next, granted, before: Math.max(...[...locks, ...read.locks].map(({ token }) => token)) };
    }

    async function wake(): Promise<void> {
      const other = await stage.requester(`other-${randomUUID().slice(0, 4)}`);
      await other.hold({ name: 'device_lock/memory99', mode: 'write' });
      await other.end();
    }

    async function survives(
      { holder, next, granted, before }: Awaited<ReturnType<typeof scene>>,
      epoch = 2,
    ): Promise<void> {
      const view = await eventually('the successor is open', async () => {
        const seen = await stage.view();
        return !seen.isRecovering && seen;
      });
      assert.deepEqual(await stage.queueOf(D.name), { holders: ['holder'], waiters: ['next'] });
      assert.deepEqual((await stage.queueOf(M.name)).holders, ['reader']);
      assert.equal(view.epoch, epoch);
      const token = await eventually('the holder knows its new token', async () => {
        const known = (await holder.tokens())[D.name] ?? 0;
        return known > before && known;
      });
      await stage.restartWorkers();
      assert.deepEqual(await stage.queueOf(D.name), { holders: ['holder'], waiters: ['next'] }, 'replayed');
      await holder.end();
      const taken = (await granted) as Awaited<ReturnType<Requester['hold']>>;
      assert.ok((taken.locks[0]?.token ?? 0) > token);
      await next.end();
    }

    it('is succeeded by one that knows what was held when it was terminated', async () => {
      const before = await scene();
      await stage.entity.terminate('test');
      await wake();
      await survives(before);
    });

    it('is succeeded by one that knows, even if successors die while they find out', async () => {
      const before = await scene();
      let recoveries = 0;
      stage.records.beforeRecovery = async () => {
        if (++recoveries <= 2) await stage.entity.terminate('test');
      };
      await stage.entity.terminate('test');
      const woken = eventually('three successors', async () => {
        await stage.client.workflow.signalWithStart(NODE_LOCKS_WORKFLOW, {
          workflowId: nodeLocksWorkflowId(stage.cluster, stage.node),
          taskQueue: locksTaskQueue(stage.cluster),
          args: [{ cluster: stage.cluster, node: stage.node }],
          signal: LOCK_MESSAGE_SIGNAL,
          signalArgs: [{ holder: { workflowId: 'nobody', runId: randomUUID() }, purpose: 'wake' }],
        });
        return recoveries >= 3;
      });
      await woken;
      const view = await eventually('the last successor is open', async () => {
        const seen = await stage.view();
        return !seen.isRecovering && seen;
      });
      assert.equal(view.epoch, 4);
      assert.deepEqual(await stage.queueOf(D.name), { holders: ['holder'], waiters: ['next'] });
      await before.holder.end();
      await before.granted;
    });

    it('notices that it was reset, and forgets nothing that was granted since', async () => {
      const early = await stage.requester('early');
      await early.hold({ name: 'device_lock/memory1', mode: 'write' });
      await early.end();
      const { events = [] } = await stage.entity.fetchHistory();
      const eventId = events?.findLast((event) => event.workflowTaskCompletedEventAttributes)?.eventId;
      // The server repeats what came after the reset point, updates and signals: a replay must go on from there as well.
      for (const purpose of ['between', 'again']) {
        const between = await stage.requester(purpose);
        await between.hold({ name: 'device_lock/memory2', mode: 'write' });
        await between.end();
      }
      const before = await scene();
      const { workflowService } = stage.client;
      await workflowService.resetWorkflowExecution({
        namespace: stage.client.options.namespace,
        workflowExecution: { workflowId: stage.entity.workflowId, runId: await stage.entityRunId() },
        reason: 'test',
        workflowTaskFinishEventId: eventId ?? null,
        requestId: randomUUID(),
      });
      await eventually('the reset was noticed', async () => (await stage.view()).epoch === 2);
      await eventually('it grants again', async () => !(await stage.view()).isRecovering);
      // The run that was reset is older than the one that took its place, though they began with the same event.
      await stage.entity.terminate('test');
      await wake();
      await survives(before, 3);
    });

    it('settles everything when the history is gone', async () => {
      const before = await scene();
      await stage.entity.terminate('test');
      // As after `temporal workflow delete`, which a server takes half a minute for.
      stage.records.records.set(stage.node, { epoch: 1, runId: randomUUID() });
      await wake();
      assert.deepEqual(stage.settled, [{ below: 2 * 2 ** 31 }]);
      await survives(before);
    });

    it('settles everything when nobody recorded who granted', async () => {
      stage.records.floors.set(stage.node, 7);
      await stage.entity.terminate('test');
      stage.records.records.clear();
      await wake();
      assert.deepEqual(stage.settled, [{ below: 8 * 2 ** 31 }]);
      assert.equal((await stage.view()).epoch, 8);
    });
  });

  it('keeps what a waiter was promised about its time while nothing is granted', async () => {
    const holder = await stage.requester('holder');
    await holder.hold(M_READ);
    await stage.entity.terminate('test');
    const recovery = Promise.withResolvers<undefined>();
    stage.records.beforeRecovery = () => recovery.promise;
    const late = await stage.requester('late', { timeoutMs: 500 });
    const answer = await late.take(D);
    assert.ok(answer.kind === 'refused');
    assert.equal(answer.errno, 'ETIMEDOUT');
    assert.match(answer.message, /recovering/);
    recovery.resolve(undefined);
    await holder.end();
  });
});

describe('a lock entity that continues as new under load', () => {
  it('loses no request, and tokens go on to increase', async () => {
    const stage = await new LockStage().open();
    await stage.startEntity({ historyLengthMax: 40 });
    const first = await stage.entityRunId();
    const tokens: number[] = [];
    const requesters = await Promise.all(
      Array.from({ length: 8 }, (_, index) => stage.requester(`load-${String(index)}`)),
    );
    await Promise.all(
      requesters.map(async (requester) => {
        for (let cycle = 0; cycle < 3; cycle++) {
          const taken = await requester.hold(D, M);
          tokens.push(...taken.locks.map(({ token }) => token));
          await requester.release(taken);
        }
        await requester.end();
      }),
    );
    assert.equal(new Set(tokens).size, 8 * 3 * 2);
    assert.deepEqual((await stage.view()).locks, []);
    assert.equal(epochOf(Math.max(...tokens)), 1, 'continuing as new is no new epoch');
    assert.notEqual(await stage.entityRunId(), first);
    await stage.close();
  });
});

function isLook(event: {
  activityTaskScheduledEventAttributes?: { activityType?: { name?: string | null } | null } | null;
}): boolean {
  return event.activityTaskScheduledEventAttributes?.activityType?.name === 'describeHolders';
}
