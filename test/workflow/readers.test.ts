/** Operations and processes of the node that hold get_online_mems(), with a real agent and a real gate. */
import assert from 'node:assert/strict';
import { GatedDriver } from '../../src/agent/gated-driver.ts';
import { NodeAgent } from '../../src/agent/node-agent.ts';
import {
  OPERATION_PHASE_QUERY,
  type OperationInput,
  type OperationPhase,
  type OperationRequest,
} from '../../src/contract/operations.ts';
import { openOnlineMems, type OnlineMems } from '../../src/online-mems/online-mems.ts';
import { WriteGate } from '../../src/online-mems/write-gate.ts';
import { eventually } from '../support/eventually.ts';
import { OperationStage, type Running } from '../support/operation-stage.ts';
import { BLOCK_SIZE, ScriptedNode } from '../support/scripted-node.ts';
import { sharedTemporal } from '../support/shared-temporal.ts';
import { SILENT_LOGGER, startSimulatedNode, type SimulatedNode } from '../support/simulated-driver.ts';

const WRITER = { writeNode: () => Promise.resolve(), writeBlock: () => Promise.resolve() };
const PATIENCE = { firstMs: 50, waitMs: 30_000, changeMs: 50 };

describe('operations and readers on the node', function () {
  this.timeout(60_000);
  let stage: OperationStage;
  let node: SimulatedNode;
  let agent: NodeAgent;
  let mems: OnlineMems;

  beforeEach(async () => {
    stage = await new OperationStage(new ScriptedNode('worker-1')).open({ withoutAgent: true });
    node = startSimulatedNode();
    agent = await startAgent();
    mems = openOnlineMems(node);
    await mems.getOnlineMems();
  });
  afterEach(async () => {
    mems.close();
    await agent.stop();
    await Promise.all([stage.close(), node.remove()]);
  });

  async function startAgent(): Promise<NodeAgent> {
    const { native: connection, namespace } = await sharedTemporal();
    const driver = new GatedDriver(node.driver, new WriteGate(node), PATIENCE);
    const { cluster } = stage;
    const probe = { watch: () => () => ({ ok: true, message: 'not looked at' }) };
    const common = { connection, namespace, probe, onFailure: assert.ifError, writer: WRITER, logger: SILENT_LOGGER };
    return new NodeAgent({ node: 'worker-1', cluster, driver, ...common });
  }
  const offline = (more: Partial<OperationInput> = {}): OperationRequest => ({
    type: 'offline',
    input: { ...stage.base, blockId: 40, offlineTimeoutMs: 10_000, ...more },
  });
  const add = (more: Partial<OperationInput> = {}): OperationRequest => ({
    type: 'add',
    input: { ...stage.base, range: { start: 50 * BLOCK_SIZE, size: BLOCK_SIZE }, ...more },
  });
  const phaseOf = ({ workflowId, runId }: Running): Promise<OperationPhase> =>
    stage.client.workflow.getHandle(workflowId, runId).query<OperationPhase>(OPERATION_PHASE_QUERY);
  const waitingForReaders = (run: Running): Promise<OperationPhase> =>
    eventually('the operation waits for readers', async () => {
      const phase = await phaseOf(run);
      return phase.phase === 'WaitingForReaders' && phase;
    });
  const stateOf = async (blockId: number) => (await node.driver.inspect([blockId])).blocks[0]?.state;
  const assertNothingHeld = async (): Promise<void> => {
    await eventually('all locks are free', async () => (await stage.lockTable()).locks.length === 0);
    assert.equal(mems.tryGetOnlineMems(), true, 'readers are let in');
  };

  it('an operation waits for the readers inside, names them, turns others away, and goes on when they leave', async () => {
    const run = await stage.start(offline());
    const { detail, since } = await waitingForReaders(run);
    assert.match(detail ?? '', new RegExp(`^node .*\\(pid ${String(process.pid)}\\) since \\d\\d:\\d\\d:\\d\\dZ$`));
    assert.ok(Date.parse(since) > 0);
    assert.equal(mems.tryGetOnlineMems(), false);
    assert.equal(await stateOf(40), 'online');
    mems.putOnlineMems();
    assert.equal((await run.result()).result, 'Succeeded');
    assert.equal(await stateOf(40), 'offline');
    await assertNothingHeld();
  });

  for (const [type, request, absent] of [
    ['offline', offline, false],
    ['add', add, true],
  ] as const) {
    it(`${type}: cancelled while it waits for readers it gives way, and lets readers in`, async () => {
      const run = await stage.start(request());
      await waitingForReaders(run);
      await run.cancel();
      assert.equal((await run.result()).result, 'Superseded');
      assert.equal(await stateOf(absent ? 50 : 40), absent ? 'absent' : 'online');
      await assertNothingHeld();
    });

    it(`${type}: the wait for readers counts against the lock timeout, and then everything is given back`, async () => {
      const run = await stage.start(request({ lockTimeoutMs: 1_000 }));
      const { result, errno, cause, message } = await run.result();
      assert.deepEqual([result, errno, cause], ['Failed', 'ETIMEDOUT', 'LockTimeout']);
      assert.match(message, new RegExp(`waited for 1 s for readers.*pid ${String(process.pid)}`));
      assert.equal(await stateOf(absent ? 50 : 40), absent ? 'absent' : 'online');
      await assertNothingHeld();
    });
  }

  it('a restarted agent waits for the same readers again', async () => {
    // A call that the stopping worker has still been given is given to the next one when it has been silent for so long.
    const timings = { ...stage.base.timings, heartbeatMs: 2_000 };
    const run = await stage.start(offline({ timings }));
    await waitingForReaders(run);
    await agent.stop();
    await node.restart();
    agent = await startAgent();
    await eventually('the next agent keeps readers out', () => {
      const other = openOnlineMems(node);
      const isInside = other.tryGetOnlineMems();
      other.close();
      return !isInside;
    });
    assert.equal(await stateOf(40), 'online');
    mems.putOnlineMems();
    assert.equal((await run.result()).result, 'Succeeded');
    await assertNothingHeld();
  });
});
