import assert from 'node:assert/strict';
import type { OperationStatus } from '../../src/contract/resources.ts';
import { FINALIZER } from '../../src/contract/names.ts';
import { BOOT, blockOf } from '../support/block-fixtures.ts';
import { ControllerStage } from '../support/controller-stage.ts';

const NAME = 'worker-1-memory32';
const OFFLINE_BLOCK = blockOf({ state: 'online' }, { state: 'offline' });

describe('an operation that closed without an outcome', () => {
  let stage: ControllerStage;

  beforeEach(() => {
    stage = new ControllerStage();
  });
  afterEach(() => stage.close());

  /** The online of a block that was started takes its second look and is terminated. */
  async function dieUnderLocks(replicas = 1): Promise<string> {
    await stage.run(OFFLINE_BLOCK, replicas);
    stage.operations.lookAgain();
    const { runId } = stage.operations.terminate();
    return runId;
  }

  it('is recovered under its own workflow id, then what is wanted is done', async () => {
    const dead = await dieUnderLocks();
    await stage.pass(5_200);
    const recovery = stage.operations.running();
    assert.equal(recovery.request.type, 'recover');
    assert.deepEqual(recovery.memo, { type: 'online', uid: 'uid-32', generation: 1, recovers: dead });
    assert.ok('dead' in recovery.request.input);
    assert.deepEqual(recovery.request.input.dead, {
      type: 'online',
      workflowId: recovery.workflowId,
      runId: dead,
      bootId: BOOT,
      closedAs: 'TERMINATED',
    });
    stage.operations.end();
    await stage.pass(5_200);
    assert.equal(stage.status(NAME).lastOperation?.runId, dead);
    assert.deepEqual(stage.operations.started, ['online', 'recover', 'online']);
    stage.operations.end();
    await stage.settle();
    assert.deepEqual(stage.ready(NAME).slice(0, 2), ['True', 'Settled']);
    assert.deepEqual(stage.reasons, ['Operating', 'Unknown', 'Settled']);
  });

  it('stays named until what it owes is delivered, and says what is being done', async () => {
    const dead = await dieUnderLocks();
    await stage.pass(5_200);
    const { operation } = stage.status(NAME);
    assert.deepEqual([operation?.runId, operation?.phase, operation?.bootId], [dead, 'Recovering', BOOT]);
    const [, reason, message] = stage.ready(NAME);
    assert.equal(reason, 'Operating');
    assert.match(message, new RegExp(`run ${dead} of online ended without an outcome; recovering`));
  });

  it('is recovered again when the recovery dies as well, or gives up', async () => {
    const dead = await dieUnderLocks();
    await stage.pass(5_200);
    stage.operations.terminate();
    await stage.pass(5_200);
    const { request } = stage.operations.running();
    assert.deepEqual(stage.operations.started, ['online', 'recover', 'recover']);
    assert.ok('dead' in request.input);
    assert.equal(request.input.dead.runId, dead);
  });

  it('is recovered by one of several operators', async () => {
    await dieUnderLocks(3);
    await stage.pass(10_200);
    assert.deepEqual(stage.operations.started, ['online', 'recover']);
  });

  it('is recovered however often it has been looked at before it died', async () => {
    await stage.run(OFFLINE_BLOCK);
    stage.operations.lookAgain();
    stage.operations.progress = { phase: 'Notifying', since: '2026-01-01T12:00:00Z' };
    await stage.pass(12_000);
    assert.equal(stage.status(NAME).operation?.phase, 'Notifying');
    stage.operations.terminate();
    await stage.pass(5_200);
    assert.deepEqual(stage.operations.started, ['online', 'recover']);
  });

  it('is recorded at once when it died before its second look: nobody was asked', async () => {
    await stage.run(OFFLINE_BLOCK);
    const { runId } = stage.operations.terminate();
    await stage.pass(5_200);
    const { lastOperation, operation } = stage.status(NAME);
    assert.deepEqual([lastOperation?.result, lastOperation?.runId, operation], ['Unknown', runId, undefined]);
    assert.deepEqual(stage.operations.started, ['online']);
    await stage.pass(5_200);
    assert.deepEqual(stage.operations.started, ['online', 'online']);
  });

  const named: OperationStatus = {
    type: 'offline',
    workflowId: 'c0ffee00/memoryblock/worker-1/32',
    runId: 'forgotten',
    startTime: '2026-01-01T11:00:00Z',
    phase: 'Notifying',
    bootId: BOOT,
  };
  const leftBehind = { state: 'online', zone: 'Normal', operation: named } as const;

  for (const [what, block] of [
    ['is paused', blockOf({ state: 'offline' }, leftBehind, { annotations: { 'memoryhotplug.io/paused': 'true' } })],
    ['is observed only', blockOf({}, leftBehind)],
    ['asks for something else now', blockOf({ state: 'online' }, leftBehind)],
  ] as const) {
    it(`is recovered although its block ${what}, and nothing else is started`, async () => {
      await stage.run(block);
      assert.deepEqual(stage.operations.started, ['recover']);
      await stage.pass(5_200);
      assert.ok(!stage.operations.running().isCancelRequested);
      stage.operations.end();
      await stage.pass(20_000);
      assert.deepEqual(stage.operations.started, ['recover']);
    });
  }

  it('is recovered although its object is deleted with Retain, which lets it go at once', async () => {
    const finalizers = [FINALIZER];
    await stage.run(
      blockOf({ state: 'offline' }, leftBehind, { finalizers, deletionTimestamp: '2026-01-01T11:30:00Z' }),
    );
    assert.ok(!stage.cluster.blocks.has(NAME));
    assert.deepEqual(stage.operations.started, ['recover']);
  });

  it('is recovered although its object was gone before anybody looked', async () => {
    await dieUnderLocks();
    stage.cluster.delete(NAME);
    await stage.settle();
    assert.deepEqual(stage.operations.started, ['online', 'recover']);
  });

  it('is not recovered when its node is gone, and a recovery that waits there is given up', async () => {
    await dieUnderLocks();
    await stage.pass(5_200);
    stage.cluster.nodeMemories.clear();
    await stage.pass(5_200);
    assert.ok(stage.operations.running().isCancelRequested);
    assert.equal(stage.status(NAME).lastOperation?.result, 'Unknown');
    assert.deepEqual(stage.operations.started, ['online', 'recover']);
  });

  it('is given up with its node, also when its object goes before anybody looked', async () => {
    await dieUnderLocks();
    await stage.pass(5_200);
    stage.cluster.nodeMemories.clear();
    stage.cluster.delete(NAME);
    await stage.settle();
    assert.ok(stage.operations.running().isCancelRequested);
    assert.deepEqual(stage.operations.started, ['online', 'recover']);
  });

  it('is left to another operation that runs under its workflow id', async () => {
    const dead = await dieUnderLocks();
    const { request, memo } = stage.operations.runs[0]!;
    await stage.operations.start(request, memo);
    await stage.pass(5_200);
    assert.equal(stage.status(NAME).operation?.runId, dead, 'the debt is not forgotten');
    assert.match(stage.ready(NAME)[2], /what it owes is delivered once online has its locks/);
    assert.deepEqual(stage.operations.started, ['online', 'online']);
  });

  it('waits for Temporal to be back', async () => {
    await dieUnderLocks();
    stage.operations.isReachable = false;
    await stage.pass(5_200);
    assert.equal(stage.ready(NAME)[1], 'TemporalUnavailable');
    stage.operations.isReachable = true;
    await stage.pass(5_200);
    assert.deepEqual(stage.operations.started, ['online', 'recover']);
  });
});
