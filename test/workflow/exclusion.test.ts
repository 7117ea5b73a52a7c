/** Who excludes whom: memory, CPUs and device memory of one node. Each test says what would happen without the lock. */
import assert from 'node:assert/strict';
import type { CpuInput } from '../../src/contract/device-operations.ts';
import type { OperationRequest } from '../../src/contract/operations.ts';
import { startDeviceOperation, type DeviceRequest } from '../support/device-operations.ts';
import { eventually } from '../support/eventually.ts';
import { OperationStage } from '../support/operation-stage.ts';
import { BLOCK_SIZE, ScriptedNode } from '../support/scripted-node.ts';

const D = 'device_hotplug_lock';
const M = 'mem_hotplug_lock';
const GIBIBYTE = 2 ** 30;
const WITHOUT_D = { withoutDeviceHotplugLock: true };

describe('mutual exclusion of hotplug operations', function () {
  this.timeout(60_000);
  let stage: OperationStage;

  beforeEach(async () => {
    stage = await new OperationStage(new ScriptedNode('worker-1', { 31: 'online', 33: 'offline' })).open();
  });
  afterEach(() => stage.close());

  const add = (): OperationRequest => ({
    type: 'add',
    input: { ...stage.base, range: { start: 32 * BLOCK_SIZE, size: BLOCK_SIZE } },
  });
  const remove = (): OperationRequest => ({
    type: 'remove',
    input: { ...stage.base, range: { start: 33 * BLOCK_SIZE, size: BLOCK_SIZE } },
  });
  const offline = (faults: object = {}): OperationRequest => ({
    type: 'offline',
    input: { ...stage.base, blockId: 31, offlineTimeoutMs: 30_000, ...faults },
  });
  const cpu = (type: 'online-cpu' | 'offline-cpu', faults: Partial<CpuInput> = {}): DeviceRequest => ({
    type,
    input: { ...stage.base, cpu: 1, ...faults },
  });
  const addDevice = (start: number): DeviceRequest => ({
    type: 'add-device',
    input: { ...stage.base, range: { start, size: GIBIBYTE } },
  });

  /** The lock that a run waits for, and those that it holds meanwhile. */
  async function untilWaiting(runId: string): Promise<{ waitsFor: string; holds: string[] }> {
    return eventually('it waits for a lock', async () => {
      const { locks } = await stage.lockTable();
      const waitsFor = locks.find(({ waiters }) => waiters.some((party) => party.runId === runId))?.name;
      const holds = locks.filter(({ holders }) => holders.some((party) => party.runId === runId));
      return waitsFor === undefined ? undefined : { waitsFor, holds: holds.map(({ name }) => name) };
    });
  }

  /** Driver steps of `operation` so far. */
  const stepsOf = (operation: string): string[] => stage.node.steps.filter((step) => step.startsWith(`${operation}.`));

  it('a CPU does not come online while memory is added: it waits for D and holds nothing', async () => {
    const inAdd = stage.node.holdAt('add.commit');
    const adding = await stage.start(add());
    await inAdd.reached;
    const onlining = await startDeviceOperation(stage, cpu('online-cpu'));
    assert.deepEqual(await untilWaiting(onlining.runId), { waitsFor: D, holds: [] });
    inAdd.letGo();
    assert.equal((await adding.result()).result, 'Succeeded');
    assert.equal((await onlining.result()).result, 'Succeeded');
    assert.deepEqual(stage.node.steps, [
      'add.prepare',
      'add.commit',
      'add.finish',
      'online-cpu.prepare',
      'online-cpu.commit',
    ]);
  });

  it('without D the CPU is in the middle of the add', async () => {
    const inAdd = stage.node.holdAt('add.commit');
    const adding = await stage.start(add());
    await inAdd.reached;
    const onlining = await startDeviceOperation(stage, cpu('online-cpu', WITHOUT_D));
    assert.deepEqual(await untilWaiting(onlining.runId), { waitsFor: M, holds: ['device_lock/cpu1'] });
    assert.deepEqual(stepsOf('online-cpu'), ['online-cpu.prepare']);
    inAdd.letGo();
    await Promise.all([adding.result(), onlining.result()]);
  });

  it("an offline's M:w keeps the M:w of a CPU online waiting, which is D's work otherwise", async () => {
    const migrating = stage.node.holdAt('offline.commit');
    const offlining = await stage.start(offline(WITHOUT_D));
    await migrating.reached;
    const onlining = await startDeviceOperation(stage, cpu('online-cpu', WITHOUT_D));
    assert.deepEqual(await untilWaiting(onlining.runId), { waitsFor: M, holds: ['device_lock/cpu1'] });
    assert.deepEqual(stepsOf('online-cpu'), ['online-cpu.prepare']);
    migrating.letGo();
    assert.equal((await offlining.result()).result, 'Succeeded');
    assert.equal((await onlining.result()).result, 'Succeeded');
  });

  it('a CPU online holds M:w for a moment only: when the CPU comes up, device memory can be added', async () => {
    const inCpu = stage.node.holdAt('online-cpu.commit');
    const onlining = await startDeviceOperation(stage, cpu('online-cpu'));
    await inCpu.reached;
    const held = (await stage.lockTable()).locks.map(({ name }) => name);
    assert.deepEqual(held, ['device_lock/cpu1', D].sort());
    const adding = await startDeviceOperation(stage, addDevice(8 * GIBIBYTE));
    assert.equal((await adding.result()).result, 'Succeeded');
    inCpu.letGo();
    assert.equal((await onlining.result()).result, 'Succeeded');
  });

  it('device memory is added beside an operation that holds D and not M', async () => {
    const inAdd = stage.node.holdAt('add.prepare');
    const adding = await stage.start(add());
    await inAdd.reached;
    const added = await (await startDeviceOperation(stage, addDevice(8 * GIBIBYTE))).result();
    assert.equal(added.result, 'Succeeded', added.message);
    inAdd.letGo();
    assert.equal((await adding.result()).result, 'Succeeded');
    assert.deepEqual(stage.node.steps.slice(0, 3), ['add.prepare', 'add-device.commit', 'add.commit']);
  });

  it('device memory is not added while an operation holds M:w', async () => {
    const inAdd = stage.node.holdAt('add.commit');
    const adding = await stage.start(add());
    await inAdd.reached;
    const device = await startDeviceOperation(stage, addDevice(8 * GIBIBYTE));
    assert.deepEqual(await untilWaiting(device.runId), { waitsFor: M, holds: [] });
    assert.deepEqual(stepsOf('add-device'), []);
    inAdd.letGo();
    assert.equal((await adding.result()).result, 'Succeeded');
    assert.equal((await device.result()).result, 'Succeeded');
  });

  it('two additions of device memory exclude each other', async () => {
    const inFirst = stage.node.holdAt('add-device.commit');
    const first = await startDeviceOperation(stage, addDevice(8 * GIBIBYTE));
    await inFirst.reached;
    const second = await startDeviceOperation(stage, addDevice(16 * GIBIBYTE));
    assert.deepEqual(await untilWaiting(second.runId), { waitsFor: M, holds: [] });
    assert.equal(stepsOf('add-device').length, 1);
    inFirst.letGo();
    assert.equal((await first.result()).result, 'Succeeded');
    assert.equal((await second.result()).result, 'Succeeded');
  });

  it('a CPU does not go offline in the middle of a removal of memory: it waits for D', async () => {
    const inRemove = stage.node.holdAt('remove.commit');
    const removing = await stage.start(remove());
    await inRemove.reached;
    const offlining = await startDeviceOperation(stage, cpu('offline-cpu'));
    assert.deepEqual(await untilWaiting(offlining.runId), { waitsFor: D, holds: [] });
    inRemove.letGo();
    assert.equal((await removing.result()).result, 'Succeeded');
    assert.equal((await offlining.result()).result, 'Succeeded');
    assert.deepEqual(stage.node.steps.slice(-2), ['remove.finish', 'offline-cpu.commit']);
  });

  it('without D the CPU goes offline in the middle of the removal', async () => {
    const inRemove = stage.node.holdAt('remove.commit');
    const removing = await stage.start(remove());
    await inRemove.reached;
    const offlined = await (await startDeviceOperation(stage, cpu('offline-cpu', WITHOUT_D))).result();
    assert.equal(offlined.result, 'Succeeded');
    assert.deepEqual(stage.node.steps.slice(-2), ['remove.commit', 'offline-cpu.commit']);
    inRemove.letGo();
    await removing.result();
  });
});
