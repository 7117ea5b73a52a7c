import assert from 'node:assert/strict';
import type { MemoryBlock } from '../../src/contract/resources.ts';
import { blockOf, nodeMemoryOf, notifierOf } from '../support/block-fixtures.ts';
import { ControllerStage } from '../support/controller-stage.ts';
import type { FakeCluster } from '../support/fake-cluster.ts';
import type { FakeOperations } from '../support/fake-operations.ts';

const NAME = 'worker-1-memory32';
const VETO = {
  result: 'Vetoed',
  errno: 'EBUSY',
  message: 'vetoed by guard at MEM_GOING_ONLINE (EBUSY): full',
} as const;

describe('the controller', () => {
  let stage: ControllerStage;
  let cluster: FakeCluster;
  let operations: FakeOperations;

  const run = (block: MemoryBlock, replicas?: number): Promise<void> => stage.run(block, replicas);
  const settle = (): Promise<void> => stage.settle();
  const pass = (durationMs: number): Promise<void> => stage.pass(durationMs);
  const ready = (): readonly string[] => stage.ready(NAME).slice(0, 2);
  const reasons = (): readonly string[] => stage.reasons;

  beforeEach(() => {
    stage = new ControllerStage();
    ({ cluster, operations } = stage);
  });
  afterEach(() => stage.close());

  it('brings an absent block online, one operation after the other', async () => {
    await run(blockOf({ state: 'online' }, { state: 'absent' }));
    assert.deepEqual(operations.started, ['add']);
    assert.equal(cluster.block(NAME).status?.operation?.type, 'add');
    assert.deepEqual(ready(), ['False', 'Operating']);
    operations.end();
    await settle();
    operations.end();
    await settle();
    assert.deepEqual(operations.started, ['add', 'online']);
    assert.deepEqual(ready(), ['True', 'Settled']);
    assert.deepEqual(reasons(), ['Operating', 'Settled']);
  });

  it('sends no request while nothing happens, however much time passes', async () => {
    await run(blockOf({ state: 'online' }, { state: 'online', zone: 'Normal' }));
    const requests = cluster.requests;
    await pass(60_000);
    stage.controllers[0]?.blockChanged(cluster.block(NAME), 'update');
    stage.controllers[0]?.nodeMemoryChanged(nodeMemoryOf(), 'update');
    await settle();
    assert.equal(cluster.requests, requests);
  });

  it('tries a vetoed operation again when its time has come, telling of the veto once', async () => {
    await run(blockOf({ state: 'online' }, { state: 'offline' }));
    operations.end(VETO);
    await settle();
    assert.deepEqual(ready(), ['False', 'Vetoed']);
    await pass(4_900);
    assert.equal(operations.runs.length, 1);
    await pass(200);
    assert.equal(operations.runs.length, 2);
    operations.end(VETO);
    await settle();
    await pass(10_200);
    operations.end();
    await settle();
    assert.deepEqual(ready(), ['True', 'Settled']);
    assert.deepEqual(reasons(), ['Operating', 'Vetoed', 'Settled']);
  });

  it('tries at once when a notifier comes, goes or changes', async () => {
    await run(blockOf({ state: 'online' }, { state: 'offline' }));
    operations.end({ ...VETO, chain: 'another' });
    await settle();
    assert.equal(operations.runs.length, 2, 'the chain is not the one that vetoed');
  });

  it('is one controller, however many run', async () => {
    await run(blockOf({ state: 'online' }, { state: 'absent' }), 3);
    assert.deepEqual(operations.started, ['add']);
    operations.end();
    await pass(1_000);
    operations.end();
    await pass(1_000);
    assert.deepEqual(operations.started, ['add', 'online']);
    assert.deepEqual(ready(), ['True', 'Settled']);
    assert.deepEqual(reasons(), ['Operating', 'Settled']);
  });

  it('does not bring back an operation that ended before it could be written down', async () => {
    operations.onStarted = () => {
      operations.onStarted = undefined;
      operations.end();
    };
    await run(blockOf({ state: 'offline' }, { state: 'absent' }));
    await pass(200);
    assert.deepEqual(operations.started, ['add']);
    assert.equal(cluster.block(NAME).status?.operation, undefined);
    assert.deepEqual(ready(), ['True', 'Settled']);
  });

  it('cancels an operation that is no longer wanted, then does what is', async () => {
    await run(blockOf({ state: 'offline' }, { state: 'online', zone: 'Normal' }));
    cluster.edit(NAME, { state: 'online' });
    await settle();
    assert.ok(operations.running().isCancelRequested);
    operations.end({ result: 'Failed', errno: 'EINTR', message: 'cancelled' });
    await settle();
    assert.deepEqual(ready(), ['True', 'Settled']);
    assert.deepEqual(operations.started, ['offline']);
  });

  it('notices a run that was terminated, and starts anew', async () => {
    await run(blockOf({ state: 'online' }, { state: 'offline' }));
    operations.terminate();
    await pass(5_200);
    assert.equal(cluster.block(NAME).status?.lastOperation?.result, 'Unknown');
    await pass(5_200);
    assert.equal(operations.runs.length, 2);
  });

  it('says that Temporal is unreachable, and goes on when it is back', async () => {
    operations.isReachable = false;
    await run(blockOf({ state: 'online' }, { state: 'offline' }));
    assert.deepEqual(ready(), ['False', 'TemporalUnavailable']);
    operations.isReachable = true;
    await pass(5_200);
    assert.deepEqual(operations.started, ['online']);
    assert.deepEqual(ready(), ['False', 'Operating']);
  });

  it('lets an object deleted with Retain go while Temporal is unreachable', async () => {
    await run(blockOf({ state: 'online' }, { state: 'offline' }));
    operations.isReachable = false;
    const block = cluster.block(NAME);
    cluster.put({ ...block, metadata: { ...block.metadata, finalizers: ['memoryhotplug.io/memory-block'] } });
    cluster.delete(NAME);
    await settle();
    assert.ok(!cluster.blocks.has(NAME));
  });

  it('adds its finalizer before it does anything for deletionPolicy Remove, and removes the block when deleted', async () => {
    await run(
      blockOf({ state: 'online', deletionPolicy: 'Remove' }, { state: 'online', zone: 'Normal' }, { finalizers: [] }),
    );
    assert.deepEqual(cluster.block(NAME).metadata.finalizers, ['memoryhotplug.io/memory-block']);
    cluster.delete(NAME);
    await settle();
    operations.end();
    await settle();
    operations.end();
    await settle();
    assert.deepEqual(operations.started, ['offline', 'remove']);
    assert.ok(!cluster.blocks.has(NAME));
  });

  it('cancels what runs for an object that is gone', async () => {
    await run(blockOf({ state: 'offline' }, { state: 'online', zone: 'Normal' }));
    const offline = operations.running();
    cluster.delete(NAME);
    await settle();
    assert.ok(offline.isCancelRequested);
  });

  it('lets an object go whose node is gone, and says so', async () => {
    await run(blockOf({ state: 'online', deletionPolicy: 'Remove' }, { state: 'online', zone: 'Normal' }));
    cluster.nodeMemories.clear();
    cluster.delete(NAME);
    await settle();
    assert.ok(!cluster.blocks.has(NAME));
    assert.deepEqual(operations.started, []);
    assert.ok(reasons().includes('NodeGone'));
  });

  it('keeps an object whose node is only missing from its copy', async () => {
    await run(blockOf({ state: 'online', deletionPolicy: 'Remove' }, { state: 'online', zone: 'Normal' }));
    cluster.nodeMemories.clear();
    cluster.readNodeMemory = () => Promise.resolve(nodeMemoryOf());
    cluster.delete(NAME);
    await settle();
    assert.ok(cluster.blocks.has(NAME));
  });

  it('changes no memory when the CRD is deleted', async () => {
    await run(blockOf({ state: 'online', deletionPolicy: 'Remove' }, { state: 'online', zone: 'Normal' }));
    cluster.crdTerminating = true;
    cluster.delete(NAME);
    await settle();
    assert.ok(!cluster.blocks.has(NAME));
    assert.deepEqual(operations.started, []);
  });

  it('says of each notifier whether its plugin is known', async () => {
    cluster.notifiers.set('good', notifierOf('good', { plugin: { name: 'guard' } }));
    cluster.notifiers.set('bad', notifierOf('bad', { plugin: { name: 'nonsense' } }));
    await run(blockOf({}, { state: 'offline' }));
    const conditionOf = (name: string) => cluster.notifiers.get(name)?.status?.conditions?.[0];
    assert.equal(conditionOf('good')?.status, 'True');
    assert.equal(conditionOf('bad')?.status, 'False');
    assert.match(conditionOf('bad')?.message ?? '', /no plugin nonsense/);
  });
});
