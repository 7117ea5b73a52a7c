/** A lock entity whose server was put back to an earlier moment learns of it from the node, and settles what it has forgotten. */
import assert from 'node:assert/strict';
import { DEVICE_HOTPLUG_LOCK, MEM_HOTPLUG_LOCK } from '../../src/contract/lock-names.ts';
import { epochOf } from '../../src/kernel/token.ts';
import { eventually } from '../support/eventually.ts';
import { LockStage } from '../support/lock-stage.ts';

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
});
