/** A write goes on after its agent: with real processes, which inherit the gate. */
import assert from 'node:assert/strict';
import { GatedDriver } from '../../src/agent/gated-driver.ts';
import { MEM_HOTPLUG_LOCK } from '../../src/contract/lock-names.ts';
import type { DriverCall, DriverResult } from '../../src/contract/driver.ts';
import type { MemoryDriver, StepContext } from '../../src/contract/memory-driver.ts';
import { openOnlineMems, type OnlineMems } from '../../src/online-mems/online-mems.ts';
import { WriteGate } from '../../src/online-mems/write-gate.ts';
import { driverCall, UNINTERRUPTED } from '../support/driver-run.ts';
import { eventually } from '../support/eventually.ts';
import { startSimulatedNode, type SimulatedNode } from '../support/simulated-driver.ts';
import { slowWrite } from '../support/slow-write.ts';
import { SMALL_TREE, startSysfsNode } from '../support/sysfs-driver-node.ts';
import { createSysfsTree } from '../support/sysfs-tree.ts';
import { startWritingChild, type WritingChild } from '../support/writing-child.ts';

const PATIENCE = { firstMs: 5, waitMs: 60_000, changeMs: 0 };
const DONE: DriverResult = { ok: true };

/** What outlives an agent: the process that writes, and the record of it. */
interface Host {
  child: WritingChild | undefined;
  result: DriverResult | undefined;
}

/** A driver whose commit is a process. */
function writingDriver(inner: MemoryDriver, host: Host): MemoryDriver {
  const whenWritten = async (): Promise<DriverResult> => {
    await host.child?.ended;
    return (host.result = DONE);
  };
  return {
    name: 'writing',
    inspect: (blockIds) => inner.inspect(blockIds),
    status: () => inner.status(),
    observe: (blockId) => inner.observe(blockId),
    settle: (request) => inner.settle(request),
    onChange: (listener) => inner.onChange(listener),
    close: () => Promise.resolve(),
    step: async (_call, { gateDescriptors = [] }) => {
      host.child = await startWritingChild(gateDescriptors);
      return whenWritten();
    },
    resume: async () => (host.child ? whenWritten() : undefined),
  };
}

describe('a write that outlives its agent', () => {
  let node: SimulatedNode;
  let host: Host;
  let mems: OnlineMems;
  let call: DriverCall;
  const agents: GatedDriver[] = [];

  const startAgent = (): GatedDriver => {
    const agent = new GatedDriver(writingDriver(node.driver, host), new WriteGate(node), PATIENCE);
    agents.push(agent);
    return agent;
  };

  beforeEach(async () => {
    node = startSimulatedNode();
    host = { child: undefined, result: undefined };
    const { bootId } = await node.driver.inspect([]);
    call = driverCall({ operation: 'offline', step: 'commit', blockId: 40, bootId });
  });
  afterEach(async () => {
    mems.close();
    await host.child?.finish();
    for (const agent of agents.splice(0)) await agent.close();
    await node.remove();
  });

  /** The first agent ends in the middle of the write. */
  const orphan = async (): Promise<WritingChild> => {
    const first = startAgent();
    mems = openOnlineMems(node);
    void first.step(call, UNINTERRUPTED);
    const child = await eventually('it writes', () => host.child);
    await agents.pop()?.close();
    return child;
  };
  const interrupted = (): StepContext => ({ signal: AbortSignal.abort(), heartbeat: () => undefined });

  it('keeps readers out; the next agent answers what it came to, instead of waiting for it as for a reader', async () => {
    const child = await orphan();
    assert.equal(mems.tryGetOnlineMems(), false);
    const shown: string[] = [];
    const repeated = startAgent().step(call, { ...UNINTERRUPTED, heartbeat: (text) => shown.push(text) });
    await child.finish();
    assert.deepEqual(await repeated, DONE);
    assert.deepEqual(shown, []);
    assert.equal(mems.tryGetOnlineMems(), false, 'the next agent keeps the gate shut for the rest of the operation');
  });

  it('is not called interrupted when it was done, whoever reads by then', async () => {
    const child = await orphan();
    await child.finish();
    assert.equal(mems.tryGetOnlineMems(), true);
    assert.deepEqual(await startAgent().step(call, interrupted()), DONE);
  });

  it('is named to another operation as one that writes', async () => {
    const child = await orphan();
    const owner = { workflowId: 'w', runId: 'run-2' };
    const answer = await startAgent().beginWrite({ node: 'worker-1', owner, token: 2 }, UNINTERRUPTED);
    assert.ok(answer.kind === 'waiting');
    assert.deepEqual(
      answer.readers.map(({ pid, writes }) => [pid, writes]),
      [[child.pid, true]],
    );
  });

  it('settled or not, readers come in when the process has ended, and not before', async () => {
    const child = await orphan();
    await startAgent().settle({ tokens: { [MEM_HOTPLUG_LOCK]: 1 } });
    assert.equal(mems.tryGetOnlineMems(), false);
    await child.finish();
    assert.equal(mems.tryGetOnlineMems(), true);
  });
});

describe('a write of the sysfs driver that outlives its agent', () => {
  it('is answered by the next one, behind a gate that never opened', async () => {
    const node = startSysfsNode(createSysfsTree(SMALL_TREE), { writer: undefined });
    const write = slowWrite(`${node.tree.root}/memory40/state`);
    const first = new GatedDriver(node.driver, new WriteGate(node), PATIENCE);
    const mems = openOnlineMems(node);
    try {
      const { bootId } = await first.inspect([]);
      const call = { operation: 'offline', blockId: 40, bootId } as const;
      await first.step(driverCall({ ...call, step: 'prepare' }), UNINTERRUPTED);
      const commit = driverCall({ ...call, step: 'commit' });
      const givenUp = first.step(commit, UNINTERRUPTED).catch(() => undefined);
      await eventually('the write is under way', () => write.isUnderWay());
      await first.close();
      await givenUp;
      assert.equal(mems.tryGetOnlineMems(), false);
      const second = new GatedDriver(await node.restart(), new WriteGate(node), PATIENCE);
      const repeated = second.step(commit, UNINTERRUPTED);
      assert.equal(mems.tryGetOnlineMems(), false);
      write.finish();
      assert.equal((await repeated).ok, true);
      assert.equal(node.tree.read(40), 'offline');
      assert.equal(mems.tryGetOnlineMems(), false, 'until the operation gives mem_hotplug_lock back');
      await second.close();
      assert.equal(mems.tryGetOnlineMems(), true);
    } finally {
      mems.close();
      write.finish();
      await node.remove();
    }
  });
});
