/** `memhp locks` as its users run it: a process that finds Temporal by its environment, and no Kubernetes at all. */
import assert from 'node:assert/strict';
import { Client, type WorkflowHandle } from '@temporalio/client';
import { locksTaskQueue, nodeLocksWorkflowId } from '../../src/contract/names.ts';
import { NODE_LOCKS_WORKFLOW, type NodeLocksInput } from '../../src/contract/node-locks.ts';
import type { OperationRequest } from '../../src/contract/operations.ts';
import { LockServiceClient } from '../../src/temporal/lock-service-client.ts';
import { eventually } from '../support/eventually.ts';
import { OperationStage, type Running } from '../support/operation-stage.ts';
import { runCommand, type CommandResult } from '../support/run-command.ts';
import { ScriptedNode } from '../support/scripted-node.ts';
import { sharedTemporal } from '../support/shared-temporal.ts';

const NODE = 'worker-1';
const D = 'device_hotplug_lock';

describe('memhp locks', function () {
  this.timeout(60_000);
  let stage: OperationStage;
  let address: string;

  before(async () => {
    ({ address } = await sharedTemporal());
    stage = await new OperationStage(new ScriptedNode(NODE)).open();
  });
  beforeEach(() => {
    for (const blockId of [30, 31]) stage.node.states.set(blockId, 'online');
    stage.lockService.releases.length = 0;
  });
  after(() => stage.close());

  function memhp(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
    const where = { TEMPORAL_ADDRESS: address, MEMHP_CLUSTER_ID: stage.cluster, KUBECONFIG: '/nonexistent' };
    return runCommand(['node', 'bin/memhp.mjs', 'locks', ...args, '--node', NODE], {
      env: { ...where, ...env },
      capture: true,
    });
  }

  const offline = (blockId: number): OperationRequest => ({
    type: 'offline',
    input: { ...stage.base, blockId, offlineTimeoutMs: 30_000 },
  });

  /** Block 31 is going offline and holds all three locks; block 30 waits for the first of them. */
  async function oneHoldsAndOneWaits(): Promise<{ holder: Running; waiter: Running; end: () => Promise<void> }> {
    const held = stage.node.holdAt('offline.commit');
    const holder = await stage.start(offline(31));
    await held.reached;
    const waiter = await stage.start(offline(30));
    await eventually('the second waits', async () => {
      const { locks } = await stage.lockTable();
      return locks.some(({ name, waiters }) => name === D && waiters.length > 0);
    });
    const end = async (): Promise<void> => {
      held.letGo();
      await Promise.all([holder.result(), waiter.result()]);
    };
    return { holder, waiter, end };
  }

  /** A lock entity of a cluster that has no operator. */
  function startUnserved(cluster: string): Promise<WorkflowHandle> {
    const input: NodeLocksInput = { cluster, node: NODE };
    return stage.client.workflow.start(NODE_LOCKS_WORKFLOW, {
      workflowId: nodeLocksWorkflowId(cluster, NODE),
      taskQueue: locksTaskQueue(cluster),
      args: [input],
    });
  }

  async function tokenOf(name: string): Promise<number> {
    const { locks } = await stage.lockTable();
    return locks.find((lock) => lock.name === name)?.holders[0]?.token ?? 0;
  }

  const release = (...args: readonly string[]): Promise<CommandResult> =>
    memhp(['release', ...args, '--reason', 'its operator is gone', '--by', 'alice']);

  it('shows holders, waiters and the order of locks, as a table and as JSON', async () => {
    const { holder, waiter, end } = await oneHoldsAndOneWaits();
    const [table, json] = await Promise.all([memhp(['-o', 'wide']), memhp(['-o', 'json'])]);
    assert.equal(table.status, 0, table.output);
    const row = (lock: string, state: string, purpose: string): RegExp =>
      new RegExp(`^  ${lock} +${state} +write +\\d+s +.*${purpose} +${stage.cluster}/`, 'm');
    assert.match(table.output, row(D, 'held', 'offline memory31'));
    assert.match(table.output, row(D, 'waits 1', 'offline memory30'));
    assert.match(table.output, row('mem_hotplug_lock', 'held', 'offline memory31'));
    assert.match(table.output, new RegExp(`${holder.runId}\n`));
    assert.match(table.output, /order: device_hotplug_lock → device_lock → mem_hotplug_lock/);

    const [answer] = JSON.parse(json.output) as [{ kind: string; table: unknown }];
    assert.equal(answer.kind, 'table');
    assert.deepEqual(answer.table, await stage.lockTable());
    assert.ok(json.output.includes(waiter.runId));
    await end();
  });

  it('appends while watching without a terminal, on a change only', async () => {
    const { end } = await oneHoldsAndOneWaits();
    const stop = new AbortController();
    const watching = runCommand(['node', 'bin/memhp.mjs', 'locks', '-w', '--node', NODE], {
      env: { TEMPORAL_ADDRESS: address, MEMHP_CLUSTER_ID: stage.cluster },
      capture: true,
      signal: stop.signal,
      onOutput: (output) => {
        if (output.includes('no lock is held')) stop.abort();
        else if (output.includes('waits 1')) void end();
      },
    });
    const { output } = await watching;
    assert.doesNotMatch(output, /\p{Cc}\[/u, 'control sequences, although nobody looks at a terminal');
    const shown = output
      .split(/^# .*\n/m)
      .slice(1)
      .map((text) => text.replaceAll(/ \d+s /g, ''));
    assert.equal(new Set(shown).size, shown.length, 'the same was appended twice');
  });

  it('takes a lock from its holder when the token matches, and the next in the queue gets it', async () => {
    const { waiter, end } = await oneHoldsAndOneWaits();
    const token = await tokenOf(D);
    const { status, output } = await release(D, '--token', String(token));
    assert.equal(status, 0, output);
    assert.match(output, /^Released device_hotplug_lock of worker-1\.$/m);
    assert.match(output, /^It was held by offline memory31: workflow .*, run /m);
    assert.match(output, new RegExp(`^Settled: .* refuses token ${String(token)}`, 'm'));
    await eventually('the waiter holds it', async () => {
      const { locks } = await stage.lockTable();
      return locks.find(({ name }) => name === D)?.holders.some(({ runId }) => runId === waiter.runId);
    });
    const [told] = stage.lockService.releases;
    assert.deepEqual(
      [told?.lock, told?.token, told?.by, told?.reason, told?.isUnsafe],
      [D, token, 'alice', 'its operator is gone', false],
    );
    await end();
  });

  it('says that nothing was settled when asked not to', async () => {
    const { end } = await oneHoldsAndOneWaits();
    const { status, output } = await release(D, '--token', String(await tokenOf(D)), '--unsafe');
    assert.equal(status, 0, output);
    assert.match(output, /^Not settled: /m);
    assert.equal(stage.lockService.releases[0]?.isUnsafe, true);
    await end();
  });

  it('refuses another token, and names who holds the lock now and with which token', async () => {
    const { end } = await oneHoldsAndOneWaits();
    const token = await tokenOf(D);
    const { status, output } = await release(D, '--token', String(token + 1));
    assert.equal(status, 1);
    assert.match(output, new RegExp(`^Held now by:\n.*\n.*held +write .* ${String(token)} +offline memory31 `, 'm'));
    assert.equal(await tokenOf(D), token, 'the holder still holds it');
    assert.deepEqual(stage.lockService.releases, []);
    await end();
  });

  it('refuses a lock that nobody holds', async () => {
    const { end } = await oneHoldsAndOneWaits();
    const { status, output } = await release('device_lock/memory7', '--token', '1');
    assert.equal(status, 1);
    assert.match(output, /Nobody holds device_lock\/memory7 of worker-1 now\./);
    await end();
  });

  it('tells a node without a lock workflow from one whose lock workflow is closed', async () => {
    const elsewhere = { MEMHP_CLUSTER_ID: `${stage.cluster}-elsewhere` };
    const never = await memhp([], elsewhere);
    assert.deepEqual(
      [never.status, never.output],
      [0, 'worker-1: no lock workflow; nobody has asked for a lock yet, or its history was deleted.\n'],
    );
    const released = await memhp(['release', D, '--token', '1', '--reason', 'test'], elsewhere);
    assert.equal(released.status, 1);
    assert.match(released.output, /nothing released: no lock workflow of worker-1 runs/);

    await (await startUnserved(elsewhere.MEMHP_CLUSTER_ID)).terminate('test');
    const closed = await memhp([], elsewhere);
    assert.equal(closed.status, 0);
    assert.match(closed.output, /^worker-1: the lock workflow is closed\.$/m);
  });

  it('fails soon, naming the address, when Temporal cannot be reached', async () => {
    const { status, output } = await memhp([], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    assert.equal(status, 1);
    assert.match(output, /^memhp: Temporal cannot be reached at 127\.0\.0\.1:1 .*TEMPORAL_ADDRESS/);
  });

  it('says how to do without Kubernetes when that cannot be asked for the cluster id', async () => {
    const { status, output } = await memhp([], { MEMHP_CLUSTER_ID: '' });
    assert.equal(status, 1);
    assert.match(output, /cannot ask Kubernetes which cluster this is: .*--cluster-id and --node/);
  });

  it('asks whether an operator runs when nobody serves the lock workflow', async () => {
    const cluster = `${stage.cluster}-unserved`;
    await startUnserved(cluster);
    const { connection, options } = stage.client;
    const workflow = { queryRejectCondition: 'NOT_OPEN' } as const;
    const service = new LockServiceClient(
      new Client({ connection, namespace: options.namespace, workflow }),
      cluster,
      500,
    );
    const [answer] = await service.read([NODE]);
    assert.ok(answer?.kind === 'silent');
    assert.match(answer.reason, /not answered within 0\.5 s: does an operator run .* task queue t-.*-unserved\/locks/);

    const input = { lock: D, token: 1, by: 'alice', reason: 'test', isUnsafe: false };
    assert.equal((await service.release(NODE, input, 500)).kind, 'silent');
  });
});
