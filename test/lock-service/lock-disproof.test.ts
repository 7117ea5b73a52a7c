/** A lock entity whose server was put back to an earlier moment learns of it from the node, and settles what it has forgotten. */
import assert from 'node:assert/strict';
import { DEVICE_HOTPLUG_LOCK, MEM_HOTPLUG_LOCK } from '../../src/contract/lock-names.ts';
import { disownedRecord } from '../../src/kernel/lock-epoch.ts';
import { EPOCH_MAX, epochOf, tokenOf } from '../../src/kernel/token.ts';
import type { Taken } from '../../workflows/lock-client.ts';
import { eventually } from '../support/eventually.ts';
import { LockStage, type Requester } from '../support/lock-stage.ts';

const D = { name: DEVICE_HOTPLUG_LOCK, mode: 'write' } as const;
const M = { name: MEM_HOTPLUG_LOCK, mode: 'write' } as const;

describe('a grant that the node refuses', () => {
  let stage: LockStage;
  beforeEach(async () => {
    stage = await new LockStage().open();
    await stage.startEntity();
  });
  afterEach(() => stage.close());

  const epoch = async (): Promise<number> => (await stage.view()).epoch;

  it('makes the entity settle all that is older than a new epoch before it grants again', async () => {
    const holder = await stage.requester('refused');
    const reader = await stage.requester('other');
    await holder.hold(D);
    const { locks } = await reader.hold(M);
    const next = await stage.requester('next');
    const granted = next.hold(D);
    await eventually('next waits', async () => (await stage.queueOf(D.name)).waiters.length > 0);
    await stage.stopAgent();
    await holder.isRefused(D.name);
    await holder.end();
    await eventually('it recovers', async () => (await stage.view()).isRecovering);
    assert.deepEqual((await stage.queueOf(D.name)).waiters, ['next'], 'nothing is granted before the node has settled');

    await stage.startAgent();
    const taken = await granted;
    assert.deepEqual(stage.settled, [{ below: 2 * 2 ** 31 }]);
    assert.equal(epochOf(taken.locks[0]?.token ?? 0), 2);
    assert.deepEqual((await stage.queueOf(M.name)).holders, ['other'], 'what is held stays held');
    await eventually('the other holder knows its new token', async () => {
      return ((await reader.tokens())[M.name] ?? 0) > (locks[0]?.token ?? Infinity);
    });
    assert.deepEqual(stage.records.records.get(stage.node), { epoch: 2, runId: await stage.entityRunId() });
    await stage.restartWorkers();
    assert.deepEqual((await stage.queueOf(D.name)).holders, ['next'], 'replayed');
    await Promise.all([next.end(), reader.end()]);
  });

  it('says nothing about the entity if it was of an earlier epoch, or of somebody who does not hold it', async () => {
    const holder = await stage.requester('holder');
    const taken = await holder.hold(D);
    const other = await stage.requester('other');
    await holder.isRefused(D.name);
    // Told with the next release, which is of another lock: D is still held, with the token that was refused.
    await holder.release(await holder.hold(M));
    assert.equal(await epoch(), 1);
    await holder.release(taken);
    await eventually('it was noticed', async () => (await epoch()) === 2);
    await eventually('it is open', async () => !(await stage.view()).isRecovering);
    await other.hold(D);
    assert.deepEqual(stage.settled, [{ below: 2 * 2 ** 31 }], 'once');
    await Promise.all([holder.end(), other.end()]);
  });

  it('is believed once in a while only: a node that goes on refusing is wrong itself', async () => {
    const holder = await stage.requester('refused');
    await holder.release(await refusedHold(holder));
    await eventually(
      'it is open in a new epoch',
      async () => (await epoch()) === 2 && !(await stage.view()).isRecovering,
    );
    for (let again = 0; again < 3; again++) await holder.release(await refusedHold(holder));
    await holder.hold(D);
    assert.deepEqual([await epoch(), stage.settled.length], [2, 1]);
    await stage.restartWorkers();
    assert.deepEqual((await stage.queueOf(D.name)).holders, ['refused'], 'replayed');
    await holder.end();
  });

  async function refusedHold(holder: Requester): Promise<Taken> {
    const taken = await holder.hold(D);
    await holder.isRefused(D.name);
    return taken;
  }
});

/** What `memhp restore` writes, and what it is when the server was put back: records that no run of the entity knows of. */
describe('a record that the lock entity has not written', () => {
  let stage: LockStage;
  beforeEach(async () => {
    stage = await new LockStage().open();
  });
  afterEach(() => stage.close());

  const isOpen = (): Promise<unknown> =>
    eventually('it is open', async () => !(await stage.view()).isRecovering && (await stage.view()));

  it('that everything was disowned while it recovered makes it claim again, and settle', async () => {
    await stage.startEntity();
    const holder = await stage.requester('holder');
    await holder.hold(D);
    const told = Promise.withResolvers<undefined>();
    stage.records.beforeRecovery = () => told.promise;
    await stage.entity.terminate('test');
    await stage.startEntity();
    const recovering = await eventually(
      'it recovers',
      () => stage.records.records.get(stage.node)?.recovers !== undefined && stage.records.records.get(stage.node),
    );
    stage.records.records.set(stage.node, disownedRecord(recovering, 2));
    told.resolve(undefined);
    await isOpen();
    assert.deepEqual(stage.settled, [{ below: tokenOf(3, 0) }]);
    assert.deepEqual(stage.records.records.get(stage.node), { epoch: 3, runId: await stage.entityRunId() });
    assert.deepEqual((await stage.queueOf(D.name)).holders, ['holder']);
    await holder.end();
  });

  it('does not make a run forget what the run before it handed on, whatever visibility shows', async () => {
    await stage.startEntity({ historyLengthMax: 60 });
    const reader = await stage.requester('reader');
    await reader.hold({ ...M, mode: 'read' });
    const runId = await stage.entityRunId();
    stage.records.isVisibilityEmpty = true;
    // As after a server that was put back to before a run which the record still names.
    stage.records.records.set(stage.node, { epoch: 4, runId: '00000000-0000-0000-0000-000000000000' });
    const busy = await stage.requester('busy');
    await eventually('it has continued as new', async () => {
      await busy.release(await busy.hold(D));
      return (await stage.entityRunId()) !== runId;
    });
    await isOpen();
    assert.deepEqual((await stage.queueOf(M.name)).holders, ['reader']);
    assert.deepEqual(stage.settled, [{ below: tokenOf(5, 0) }]);
    assert.equal(epochOf((await reader.tokens())[M.name] ?? 0), 5);
    await Promise.all([busy.end(), reader.end()]);
  });

  it('of an epoch that cannot be stops it visibly, until it is mended', async () => {
    stage.records.floors.set(stage.node, EPOCH_MAX);
    await stage.startEntity();
    const holder = await stage.requester('holder');
    const granted = holder.hold(D);
    const view = await eventually('it says so', async () => {
      const seen = await stage.view();
      return seen.refused !== undefined && seen.locks.length > 0 && seen;
    });
    assert.match(view.refused ?? '', /no lock of worker-1 is granted: .* epoch 4194303.*docs\/restore.md/);
    stage.records.floors.set(stage.node, 7);
    const { locks } = await granted;
    assert.equal(epochOf(locks[0]?.token ?? 0), 8);
    assert.equal((await stage.view()).refused, undefined);
    await holder.end();
  });
});
