import assert from 'node:assert/strict';
import { GatedDriver } from '../../src/agent/gated-driver.ts';
import type { BeginWriteInput } from '../../src/contract/activities.ts';
import type { DriverResult } from '../../src/contract/driver.ts';
import { DEVICE_HOTPLUG_LOCK, MEM_HOTPLUG_LOCK } from '../../src/contract/lock-names.ts';
import type { StepContext } from '../../src/contract/memory-driver.ts';
import { openOnlineMems, type OnlineMems } from '../../src/online-mems/online-mems.ts';
import { WriteGate } from '../../src/online-mems/write-gate.ts';
import { memoryDriverSuite } from '../contract/memory-driver-suite.ts';
import { driverCall, OperationRun, UNINTERRUPTED } from '../support/driver-run.ts';
import { eventually } from '../support/eventually.ts';
import { leaveOut } from '../../src/controller/leave-out.ts';
import { startSimulatedNode, type SimulatedNode } from '../support/simulated-driver.ts';
import { startSysfsNode } from '../support/sysfs-driver-node.ts';

const PATIENCE = { firstMs: 5, waitMs: 60_000, changeMs: 0 };
const OWNER = { workflowId: 'w', runId: 'run-1' };

memoryDriverSuite('simulated, behind the reader gate', () => {
  const node = startSimulatedNode();
  const driver = new GatedDriver(node.driver, new WriteGate(node), PATIENCE);
  const close = async (): Promise<void> => {
    await driver.close();
    await node.remove();
  };
  return Promise.resolve({ driver, spareBlock: 32, onlineBlock: 40, shows: 'operation', close });
});

memoryDriverSuite('sysfs, behind the reader gate', () => {
  const node = startSysfsNode();
  const driver = new GatedDriver(node.driver, new WriteGate(node), PATIENCE);
  const close = async (): Promise<void> => {
    await driver.close();
    await node.remove();
  };
  return Promise.resolve({ driver, spareBlock: 32, onlineBlock: 40, shows: 'device', close });
});

describe('gated driver', () => {
  let node: SimulatedNode;
  let driver: GatedDriver;
  let mems: OnlineMems;
  let bootId: string;

  beforeEach(async () => {
    node = startSimulatedNode();
    driver = new GatedDriver(node.driver, new WriteGate(node), PATIENCE);
    mems = openOnlineMems(node);
    ({ bootId } = await driver.inspect([]));
  });
  afterEach(async () => {
    mems.close();
    await driver.close();
    await node.remove();
  });

  const begin = (more: Partial<BeginWriteInput> = {}, context = UNINTERRUPTED) =>
    driver.beginWrite({ node: 'worker-1', owner: OWNER, token: 1, ...more }, context);
  const offline = (token = 1): OperationRun =>
    new OperationRun(driver, token, { operation: 'offline', blockId: 40, bootId });
  const interruptible = (): { context: StepContext; interrupt: () => void } => {
    const interruption = new AbortController();
    const context = { signal: interruption.signal, heartbeat: () => undefined };
    return { context, interrupt: () => interruption.abort() };
  };
  const errnoOf = (result: DriverResult): string => (result.ok ? 'ok' : result.errno);

  it('beginWrite tells who is inside, and with isWaiting answers when that changes or all have left', async () => {
    const other = openOnlineMems(node);
    await mems.getOnlineMems();
    await other.getOnlineMems();
    const first = await begin();
    assert.ok(first.kind === 'waiting');
    assert.deepEqual(
      first.readers.map(({ pid }) => pid),
      [process.pid],
    );
    assert.match(first.readers[0]?.since ?? '', /^\d{4}-.*Z$/);
    const next = begin({ isWaiting: true });
    mems.putOnlineMems();
    other.putOnlineMems();
    assert.deepEqual(await next, { kind: 'begun' });
    other.close();
  });

  it('beginWrite with isWaiting tells each writer once who is inside, even if that was told to another', async () => {
    await mems.getOnlineMems();
    assert.equal((await begin({ token: 1 })).kind, 'waiting');
    assert.equal((await begin({ token: 2, isWaiting: true })).kind, 'waiting');
    const told = begin({ token: 2, isWaiting: true });
    mems.putOnlineMems();
    assert.deepEqual(await told, { kind: 'begun' });
  });

  it('beginWrite ends no later than its limit, and when the operation is cancelled', async () => {
    await mems.getOnlineMems();
    assert.equal((await begin({ isWaiting: true, limitMs: 1 })).kind, 'waiting');
    const { context, interrupt } = interruptible();
    const waiting = begin({ isWaiting: true }, context);
    interrupt();
    assert.equal((await waiting).kind, 'waiting');
    const others = openOnlineMems(node);
    assert.equal(others.tryGetOnlineMems(), false, 'the turnstile stays closed until endWrite');
    driver.endWrite({ node: 'worker-1', owner: OWNER, token: 1 });
    assert.equal(others.tryGetOnlineMems(), true);
    others.close();
  });

  it('no step that demands mem_hotplug_lock happens while a reader is inside, begun or not', async () => {
    await mems.getOnlineMems();
    const prepare = offline().step('prepare');
    assert.equal(errnoOf(await offline(2).step('prepare', {}, interrupted())), 'EINTR');
    assert.equal((await driver.observe(40)).state, 'online');
    mems.putOnlineMems();
    assert.equal(errnoOf(await prepare), 'ESTALE', 'the greater token has overtaken it');
    assert.equal(errnoOf(await offline(2).step('prepare')), 'ok');
  });

  it('a step that waits for readers says so in its heartbeats', async () => {
    await mems.getOnlineMems();
    const shown: string[] = [];
    const step = offline().step('prepare', {}, { ...UNINTERRUPTED, heartbeat: (text) => shown.push(text) });
    await eventually('it says so', () => shown.some((text) => /waits for .*pid \d+/.test(text)));
    mems.putOnlineMems();
    assert.equal(errnoOf(await step), 'ok');
  });

  it('an abort waits for no reader: one who came in while the agent was restarted would keep every lock held', async () => {
    assert.equal(errnoOf(await offline().step('prepare')), 'ok');
    await driver.close();
    driver = new GatedDriver(await node.restart(), new WriteGate(node), PATIENCE);
    await mems.getOnlineMems();
    assert.equal(errnoOf(await offline().step('commit', {}, interrupted())), 'EINTR');
    assert.equal(errnoOf(await offline().step('abort')), 'ok');
    mems.putOnlineMems();
  });

  it('readers stay out between steps, until one comes without the token of mem_hotplug_lock', async () => {
    await begin();
    for (const step of ['prepare', 'commit'] as const) {
      await offline().step(step);
      assert.equal(mems.tryGetOnlineMems(), false, step);
    }
    const { tokens: all } = driverCall({ operation: 'offline', step: 'finish', blockId: 40, bootId });
    const tokens = leaveOut(all, MEM_HOTPLUG_LOCK);
    assert.equal(errnoOf(await offline().step('finish', { tokens })), 'ok');
    assert.equal(mems.tryGetOnlineMems(), true);
  });

  it('settle ends a wait for readers, keeps them out until the driver has stopped, then lets them in', async () => {
    await mems.getOnlineMems();
    const waiting = offline().step('prepare');
    const settling = driver.settle({ tokens: { [MEM_HOTPLUG_LOCK]: 1 } });
    assert.equal(errnoOf(await waiting), 'ESTALE');
    await settling;
    assert.equal((await begin()).kind, 'refused');
    assert.equal(mems.tryGetOnlineMems(), true);
  });

  it('settle lets readers in where the writer is a settled run that had given mem_hotplug_lock back, and no other', async () => {
    await begin();
    const tokens = { [DEVICE_HOTPLUG_LOCK]: 1 };
    await driver.settle({ tokens, runs: ['another'] });
    assert.equal(mems.tryGetOnlineMems(), false);
    await driver.settle({ tokens, runs: ['another', OWNER.runId] });
    assert.equal(mems.tryGetOnlineMems(), true);
  });
});

function interrupted(): StepContext {
  return { signal: AbortSignal.abort(), heartbeat: () => undefined };
}
