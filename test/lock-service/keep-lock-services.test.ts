import assert from 'node:assert/strict';
import { keepLockServices } from '../../src/operator/keep-lock-services.ts';
import { wakeLockEntity } from '../../src/temporal/lock-activities.ts';
import { TemporalLockService } from '../../src/temporal/temporal-lock-service.ts';
import { eventually } from '../support/eventually.ts';
import { eventsOf } from '../support/history-story.ts';
import { OperationStage } from '../support/operation-stage.ts';
import { ScriptedNode } from '../support/scripted-node.ts';

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

describe('a lock entity that was terminated', function () {
  this.timeout(60_000);
  let stage: OperationStage;
  let keeping: Promise<void> | undefined;
  let stop: AbortController;

  beforeEach(async () => {
    stop = new AbortController();
    stage = await new OperationStage(new ScriptedNode('worker-1', { 30: 'offline', 31: 'online' })).open();
  });
  afterEach(async () => {
    stop.abort();
    await keeping;
    await stage.close();
  });

  function keep(isNodeKnown: (node: string) => boolean): readonly string[] {
    const woken: string[] = [];
    const log = { ...SILENT, info: (_: string, fields: object) => woken.push((fields as { node: string }).node) };
    const { client, cluster } = stage;
    keeping = keepLockServices({ client, cluster, isNodeKnown, log, signal: stop.signal, everyMs: 200 });
    return woken;
  }

  const terminate = async (): Promise<string> => {
    const entity = stage.client.workflow.getHandle(stage.lockEntityId);
    const { runId } = await entity.describe();
    await entity.terminate('by a test');
    return runId;
  };

  it('is started again although nobody sends it a message, and serves those who wait', async () => {
    const held = stage.node.holdAt('offline.prepare');
    const holder = await stage.start({
      type: 'offline',
      input: { ...stage.base, blockId: 31, offlineTimeoutMs: 30_000 },
    });
    await held.reached;
    const waiter = await stage.start({ type: 'online', input: { ...stage.base, blockId: 30, onlineType: 'online' } });
    await eventually('the online waits', async () =>
      (await stage.lockTable()).locks.some((lock) => lock.waiters.length),
    );
    const died = await terminate();
    const woken = keep(() => true);
    await eventually('another runs', async () => {
      const { runId, status } = await stage.client.workflow.getHandle(stage.lockEntityId).describe();
      return runId !== died && status.name === 'RUNNING';
    });
    await eventually('it knows who waits', async () => {
      const { locks } = await stage.lockTable();
      return locks.some((lock) => lock.waiters.some(({ runId }) => runId === waiter.runId));
    });
    held.letGo();
    assert.equal((await holder.result()).result, 'Succeeded');
    assert.equal((await waiter.result()).result, 'Succeeded');
    assert.deepEqual(woken, ['worker-1'], 'once, however often it looks');
  });

  it('stays ended when its node is gone, and is told as stopped', async () => {
    await stage.startLockEntity({});
    const locks = new TemporalLockService(stage.client, stage.cluster);
    await eventually('it answers', async () => typeof (await locks.table('worker-1')) === 'object');
    await terminate();
    const looked = Promise.withResolvers<undefined>();
    const woken = keep((node) => {
      if (node === 'worker-1') looked.resolve(undefined);
      return false;
    });
    await looked.promise;
    assert.deepEqual(woken, []);
    assert.equal(await locks.table('worker-1'), 'stopped');
    assert.equal(await locks.table('never-heard-of'), 'stopped');
  });

  it('is woken without a trace in the history of one that runs', async () => {
    await stage.startLockEntity({});
    await eventually('it grants', async () => !(await stage.lockTable()).isRecovering);
    const before = (await eventsOf(stage.client, stage.lockEntityId)).length;
    await wakeLockEntity(stage.client, stage.cluster, 'worker-1');
    assert.equal((await eventsOf(stage.client, stage.lockEntityId)).length, before);
  });
});
