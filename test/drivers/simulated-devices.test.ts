/** CPUs and device memory of a simulated node. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DriverCall, DriverResult } from '../../src/contract/driver.ts';
import { cpuDeviceLock, DEVICE_HOTPLUG_LOCK, MEM_HOTPLUG_LOCK } from '../../src/contract/lock-names.ts';
import type { Effect } from '../../src/drivers/simulated/state.ts';
import { blockRange, UNINTERRUPTED } from '../support/driver-run.ts';
import { SMALL_NODE, startSimulatedNode, type SimulatedNode } from '../support/simulated-driver.ts';

const MIB = 2 ** 20;

describe('CPUs and device memory of a simulated node', () => {
  let node: SimulatedNode;
  let lastToken = 0;
  beforeEach(() => {
    lastToken = 0;
    node = startSimulatedNode({ ...SMALL_NODE, cpus: 2, maxBlockId: 63 });
  });
  afterEach(() => node.remove());

  /** One step of a run of its own, under fresh tokens of the locks that it takes. */
  async function step(parts: Partial<DriverCall> & Pick<DriverCall, 'operation' | 'step'>): Promise<DriverResult> {
    const { bootId } = await node.driver.inspect([]);
    lastToken += 1;
    const names = parts.cpu === undefined ? [MEM_HOTPLUG_LOCK] : [DEVICE_HOTPLUG_LOCK, cpuDeviceLock(parts.cpu)];
    return node.driver.step(
      {
        node: 'worker-1',
        range: { start: 0, size: 0 },
        owner: { workflowId: 'w', runId: `run-${String(lastToken)}` },
        tokens: Object.fromEntries(names.map((name) => [name, lastToken])),
        bootId,
        ...parts,
      },
      UNINTERRUPTED,
    );
  }
  const told = (result: DriverResult): string => (result.ok ? (result.noop ? 'noop' : 'ok') : result.errno);
  const cpu = async (operation: 'online-cpu' | 'offline-cpu', number: number): Promise<string> =>
    told(await step({ operation, step: 'commit', cpu: number }));
  const device = async (operation: 'add-device' | 'remove-device', start: number, size = 2 * MIB): Promise<string> =>
    told(await step({ operation, step: 'commit', range: { start, size } }));
  const effects = (): Effect[] =>
    readFileSync(join(node.directory, 'effects.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Effect);

  it('takes a CPU offline and online again, and says when there is nothing to do', async () => {
    assert.equal(await cpu('online-cpu', 1), 'noop');
    assert.equal(await cpu('offline-cpu', 1), 'ok');
    assert.equal(await cpu('offline-cpu', 1), 'noop');
    assert.equal(told(await step({ operation: 'online-cpu', step: 'prepare', cpu: 1 })), 'ok');
    assert.equal(await cpu('online-cpu', 1), 'ok');
    assert.equal(told(await step({ operation: 'online-cpu', step: 'prepare', cpu: 1 })), 'noop');
    assert.deepEqual(
      effects().map(({ change, cpu: number }) => [change, number]),
      [
        ['cpu-offline', 1],
        ['cpu-online', 1],
      ],
    );
  });

  it('refuses cpu0 to go, and CPUs that there are not', async () => {
    assert.equal(await cpu('offline-cpu', 0), 'EPERM');
    assert.equal(await cpu('offline-cpu', 2), 'EINVAL');
    assert.equal(told(await step({ operation: 'online-cpu', step: 'prepare', cpu: 2 })), 'EINVAL');
  });

  it('adds and removes device memory in subsections, without a memory block', async () => {
    const { start } = blockRange(32, 1);
    assert.equal(await device('add-device', start), 'ok');
    assert.equal(await device('add-device', start), 'ENOMEM', 'the range is taken');
    assert.equal((await node.driver.inspect([32])).blocks[0]?.state, 'absent');
    assert.equal(await device('remove-device', start), 'ok');
    assert.equal(await device('remove-device', start), 'ENODEV');
    assert.equal(await device('add-device', start), 'ok');
  });

  it('refuses device memory that overlaps memory, is unaligned, or cannot be addressed (row 82)', async () => {
    assert.equal(await device('add-device', blockRange(1, 1).start), 'ENXIO');
    assert.equal(await device('add-device', blockRange(32, 1).start + MIB), 'EINVAL');
    assert.equal(await device('add-device', blockRange(32, 1).start, 0), 'EINVAL');
    assert.equal(await device('add-device', blockRange(64, 1).start), 'EINVAL');
  });

  it('adds no memory blocks where device memory is', async () => {
    const range = blockRange(32, 1);
    assert.equal(await device('add-device', range.start), 'ok');
    const { bootId } = await node.driver.inspect([]);
    const tokens = { [DEVICE_HOTPLUG_LOCK]: 10 };
    const owner = { workflowId: 'w', runId: 'adds' };
    const call: DriverCall = { node: 'worker-1', operation: 'add', step: 'prepare', range, owner, tokens, bootId };
    assert.equal(told(await node.driver.step(call, UNINTERRUPTED)), 'EEXIST');
  });

  it('demands the locks: D and L of a CPU, M of device memory; a stale one changes nothing', async () => {
    for (const parts of [
      { operation: 'offline-cpu', step: 'commit', cpu: 1 },
      { operation: 'add-device', step: 'commit', range: blockRange(32, 1) },
    ] as const) {
      assert.equal(told(await step({ ...parts, tokens: {} })), 'ESTALE');
    }
    assert.equal(await cpu('offline-cpu', 1), 'ok');
    const stale = { [DEVICE_HOTPLUG_LOCK]: 1, [cpuDeviceLock(1)]: 1 };
    assert.equal(told(await step({ operation: 'online-cpu', step: 'commit', cpu: 1, tokens: stale })), 'ESTALE');
    assert.equal(told(await step({ operation: 'online-cpu', step: 'prepare', cpu: 1 })), 'ok', 'still offline');
  });

  it('answers a repeated step from the journal, also after a restart, and does nothing twice', async () => {
    const owner = { workflowId: 'w', runId: 'repeats' };
    const call = { operation: 'offline-cpu', step: 'commit', cpu: 1, owner } as const;
    const tokens = { [DEVICE_HOTPLUG_LOCK]: 7, [cpuDeviceLock(1)]: 8 };
    assert.equal(told(await step({ ...call, tokens })), 'ok');
    await node.restart();
    assert.equal(told(await step({ ...call, tokens })), 'ok');
    assert.equal(effects().length, 1);
  });

  it('boots with all CPUs online and without device memory', async () => {
    await cpu('offline-cpu', 1);
    await device('add-device', blockRange(32, 1).start);
    node.driver.reboot();
    assert.equal(await cpu('online-cpu', 1), 'noop');
    assert.equal(await device('add-device', blockRange(32, 1).start), 'ok');
  });
});
