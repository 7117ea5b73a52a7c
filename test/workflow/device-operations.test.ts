/** The sequences of operations on CPUs and device memory, from their histories. */
import assert from 'node:assert/strict';
import { startDeviceOperation, type DeviceRequest } from '../support/device-operations.ts';
import { storyOf } from '../support/history-story.ts';
import { OperationStage } from '../support/operation-stage.ts';
import { ScriptedNode } from '../support/scripted-node.ts';

const D = 'device_hotplug_lock';
const M = 'mem_hotplug_lock';
const L1 = 'device_lock/cpu1';
const RANGE = { start: 8 * 2 ** 30, size: 2 ** 30 };

describe('operations on CPUs and device memory', function () {
  this.timeout(60_000);
  let stage: OperationStage;

  beforeEach(async () => {
    stage = await new OperationStage(new ScriptedNode('worker-1')).open();
  });
  afterEach(() => stage.close());

  async function play(request: DeviceRequest) {
    const run = await startDeviceOperation(stage, request);
    const outcome = await run.result();
    assert.deepEqual((await stage.lockTable()).locks, [], 'all locks are free');
    return { ...outcome, story: await storyOf(stage.client, run.workflowId, run.runId) };
  }
  const cpu = (type: 'online-cpu' | 'offline-cpu'): DeviceRequest => ({ type, input: { ...stage.base, cpu: 1 } });

  it('onlineCpu: D → L(cpu), M:w taken and dropped, the CPU, drop L and D (row 11)', async () => {
    const { result, message, story } = await play(cpu('online-cpu'));
    assert.deepEqual([result, message], ['Succeeded', 'cpu1 is online']);
    assert.deepEqual(story, [
      `take ${D} → ${L1}`,
      `granted ${D}, ${L1}`,
      'look at worker-1',
      'prepare online-cpu cpu1',
      `take ${M}`,
      `granted ${M}`,
      'mem_hotplug_begin',
      'mem_hotplug_done',
      `release ${M}`,
      'commit online-cpu cpu1',
      `release ${L1}, ${D}`,
    ]);
  });

  it('onlineCpu of a CPU that is online is a success without mem_hotplug_lock', async () => {
    stage.node.answers.set('online-cpu.prepare', { ok: true, noop: true });
    const { result, noop, story } = await play(cpu('online-cpu'));
    assert.deepEqual([result, noop], ['Succeeded', true]);
    assert.deepEqual(story.slice(-2), ['prepare online-cpu cpu1', `release ${L1}, ${D}`]);
  });

  it('offlineCpu: D → L(cpu), the CPU, drop L and D; never mem_hotplug_lock', async () => {
    const { result, story } = await play(cpu('offline-cpu'));
    assert.equal(result, 'Succeeded');
    assert.deepEqual(story, [
      `take ${D} → ${L1}`,
      `granted ${D}, ${L1}`,
      'look at worker-1',
      'commit offline-cpu cpu1',
      `release ${L1}, ${D}`,
    ]);
  });

  it('an errno of the driver is the outcome', async () => {
    stage.node.answers.set('offline-cpu.commit', { ok: false, errno: 'EPERM', message: 'cpu0 cannot go' });
    const { result, errno, message } = await play(cpu('offline-cpu'));
    assert.deepEqual([result, errno, message], ['Failed', 'EPERM', 'cpu0 cannot go']);
  });

  for (const type of ['add-device', 'remove-device'] as const) {
    it(`${type}: M:w and nothing else; no blocks, no notifiers (row 81)`, async () => {
      const { result, story } = await play({ type, input: { ...stage.base, range: RANGE } });
      assert.equal(result, 'Succeeded');
      const without = (line: string): boolean => line !== 'mem_hotplug_done';
      assert.deepEqual(story.filter(without), [
        `take ${M}`,
        `granted ${M}`,
        'look at worker-1',
        'mem_hotplug_begin',
        `commit ${type} 0x200000000`,
        `release ${M}`,
      ]);
      assert.deepEqual(stage.asked, []);
    });
  }
});
