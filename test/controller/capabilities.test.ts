/** Nodes whose driver can neither add nor remove memory, as most real ones. */
import assert from 'node:assert/strict';
import { ALL_CAPABILITIES, blockOf, NODE, nodeMemoryOf } from '../support/block-fixtures.ts';
import { ControllerStage } from '../support/controller-stage.ts';

const NAME = 'worker-1-memory32';

describe('a driver that can neither add nor remove memory', () => {
  let stage: ControllerStage;

  beforeEach(() => {
    stage = new ControllerStage();
    stage.cluster.nodeMemories.set(NODE, nodeMemoryOf({ ...ALL_CAPABILITIES, add: false, remove: false }));
  });
  afterEach(() => stage.close());

  it('leaves a block that is not there to whoever can plug it in, and goes on once it is', async () => {
    await stage.run(blockOf({ state: 'online' }, { state: 'absent' }));
    await stage.pass(600_000);
    assert.deepEqual(stage.operations.started, []);
    const [status, reason, message] = stage.ready(NAME);
    assert.deepEqual([status, reason], ['False', 'AddNotSupported']);
    assert.match(message, /have the hypervisor or the platform plug the memory in, or delete this object/);
    const stalled = stage.status(NAME).conditions?.find(({ type }) => type === 'Stalled');
    assert.equal(stalled?.status, 'True');
    assert.deepEqual(stage.reasons, ['AddNotSupported'], 'told once');

    stage.cluster.patchStatus(NAME, (before) => ({ ...before, state: 'offline' }));
    await stage.settle();
    stage.operations.end();
    await stage.settle();
    assert.deepEqual(stage.operations.started, ['online']);
    assert.deepEqual(stage.ready(NAME).slice(0, 2), ['True', 'Settled']);
  });

  it('takes a block whose object is deleted with Remove offline, lets the object go and says so', async () => {
    await stage.run(blockOf({ state: 'online', deletionPolicy: 'Remove' }, { state: 'online', zone: 'Movable' }));
    stage.cluster.delete(NAME);
    await stage.settle();
    assert.ok(stage.cluster.blocks.has(NAME), 'not before the block is offline');
    stage.operations.end();
    await stage.settle();
    assert.deepEqual(stage.operations.started, ['offline']);
    assert.equal(stage.cluster.blocks.has(NAME), false);
    const told = stage.cluster.events.find((event) => event.reason === 'RemoveNotSupported');
    assert.equal(told?.type, 'Warning');
    assert.match(told.note, /cannot remove memory; the block was left offline/);
  });

  it('lets the object of a block that is not there go at once', async () => {
    await stage.run(blockOf({ state: 'online', deletionPolicy: 'Remove' }, { state: 'absent' }));
    stage.cluster.delete(NAME);
    await stage.settle();
    assert.equal(stage.cluster.blocks.has(NAME), false);
    assert.deepEqual(stage.operations.started, []);
  });
});
