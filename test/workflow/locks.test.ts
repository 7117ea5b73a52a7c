import assert from 'node:assert/strict';
import type { OperationRequest } from '../../src/contract/operations.ts';
import { eventually } from '../support/eventually.ts';
import { OperationStage } from '../support/operation-stage.ts';
import { BLOCK_SIZE, ScriptedNode } from '../support/scripted-node.ts';

describe('locks of operations', function () {
  this.timeout(60_000);
  let stage: OperationStage;

  beforeEach(async () => {
    stage = await new OperationStage(new ScriptedNode('worker-1', { 31: 'online' })).open();
  });
  afterEach(() => stage.close());

  const addRequest = (faults: object = {}): OperationRequest => ({
    type: 'add',
    input: { ...stage.base, range: { start: 32 * BLOCK_SIZE, size: BLOCK_SIZE }, ...faults },
  });
  const onlineRequest = (faults: object = {}): OperationRequest => ({
    type: 'online',
    input: { ...stage.base, blockId: 32, onlineType: 'online_movable', ...faults },
  });

  /** The seed's race: add by range and online by block, started side by side; the online comes when the block is visible and L(b) is not yet taken. */
  async function raceInTheWindow(faults: object) {
    const window = stage.node.holdAt('add.commit');
    const adding = await stage.start(addRequest(faults));
    await window.reached;
    const onlining = await stage.start(onlineRequest(faults));
    const waiting = await eventually('the online waits for a lock', async () => {
      const { locks } = await stage.lockTable();
      return locks.find(({ waiters }) => waiters.some((party) => party.runId === onlining.runId))?.name;
    });
    const held = (await stage.lockTable()).locks.filter(({ holders }) =>
      holders.some((party) => party.runId === onlining.runId),
    );
    window.letGo();
    return {
      waiting,
      held: held.map(({ name }) => name),
      added: await adding.result(),
      onlined: await onlining.result(),
    };
  }

  /** What device_hotplug_lock is for. */
  function assertSafe(race: Awaited<ReturnType<typeof raceInTheWindow>>): void {
    assert.equal(race.waiting, 'device_hotplug_lock');
    assert.deepEqual(race.held, [], 'the online holds nothing while it waits');
    assert.equal(race.added.result, 'Succeeded', race.added.message);
    assert.equal(race.onlined.result, 'Succeeded', race.onlined.message);
  }

  it('an online requested in the window of an add waits for D, holding nothing, then succeeds', async () => {
    assertSafe(await raceInTheWindow({}));
  });

  it('without D the same race closes the cycle, and the request that closes it gets EDEADLK naming both chains', async () => {
    const race = await raceInTheWindow({ withoutDeviceHotplugLock: true });
    assert.throws(() => assertSafe(race), 'the test above must fail without D');
    assert.deepEqual([race.waiting, race.held], ['mem_hotplug_lock', ['device_lock/memory32']]);
    assert.deepEqual([race.added.result, race.added.errno, race.added.cause], ['Failed', 'EDEADLK', 'Deadlock']);
    assert.match(race.added.message, /add 0x100000000 holds mem_hotplug_lock and waits for device_lock\/memory32/);
    assert.match(race.added.message, /online memory32 holds device_lock\/memory32 and waits for mem_hotplug_lock/);
    assert.deepEqual(await stage.lockTable().then((table) => table.locks), []);
  });
});
