/** The spec changes while something is being done about it. */
import assert from 'node:assert/strict';
import type { MemoryBlock } from '../../src/contract/resources.ts';
import type { RequestedState } from '../../src/kernel/memory-block.ts';
import { eventually } from '../support/eventually.ts';
import { followBlock } from '../support/follow-block.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { readyOf } from '../support/simulated-cluster.ts';

/** Far longer than a test: what takes so long ends only because somebody ends it. */
const FOR_EVER_MS = 600_000;
/** Much longer than it takes to edit the spec meanwhile. */
const SLOW_STEP_MS = 500;

describe('kubectl wait --for=condition=Ready', function () {
  this.timeout(60_000);
  const node = 'edited';
  let stage: OperatorStage;

  before(async () => {
    stage = await openOperatorStage();
    await stage.createNode(node);
  });
  after(() => stage.deleteNode(node));

  const isAsAsked = ({ spec, status }: MemoryBlock): boolean =>
    spec.state === 'offline' ? status?.state === 'offline' : status?.state === 'online' && status.zone === 'Movable';

  it('never accepts a Ready from before the last edit', async () => {
    const name = await stage.applyBlock({ nodeName: node, blockId: 8, state: 'online_movable' });
    const followed = await followBlock(stage, name);
    for (const state of Array<readonly RequestedState[]>(4).fill(['offline', 'online_movable']).flat()) {
      await stage.editBlock(name, { state });
      await stage.waitReady(name);
      const real = (await stage.nodeState(node)).blocks[8];
      assert.equal(real?.state, state === 'offline' ? 'offline' : 'online');
      const block = await stage.block(name);
      assert.equal(block?.status?.observedGeneration, block?.metadata.generation);
    }
    await stage.editBlock(name, { state: 'offline' });
    await stage.editBlock(name, { state: 'online_movable' });
    await stage.waitReady(name);
    assert.equal((await stage.nodeState(node)).blocks[8]?.state, 'online', 'after two edits in a row');
    await followed.stop();
    const readies = followed.versions.filter(({ metadata, status }) => {
      const ready = readyOf(status);
      return ready?.status === 'True' && ready.observedGeneration === metadata.generation;
    });
    const generations = new Set(readies.map(({ metadata }) => metadata.generation));
    assert.ok(generations.size >= 8, `${String(generations.size)} generations were Ready`);
    for (const version of readies) assert.ok(isAsAsked(version), JSON.stringify(version));
  });
});

describe('an edit while an operation runs', function () {
  this.timeout(60_000);
  let stage: OperatorStage;
  const nodes: string[] = [];

  before(async () => {
    stage = await openOperatorStage();
  });
  after(async () => {
    for (const node of nodes) await stage.deleteNode(node);
  });

  const createNode = async (...args: Parameters<OperatorStage['createNode']>): Promise<string> => {
    nodes.push(args[0]);
    return stage.createNode(...args);
  };
  const untilGoingOffline = (name: string): Promise<unknown> =>
    stage.untilBlock(name, 'going offline', ({ status }) => status?.state === 'going-offline');

  it('cancels one that waits for locks, and what is wanted next waits in its place', async () => {
    const node = await createNode('edit-waiting', { simulated: { migrationMs: FOR_EVER_MS } });
    const holder = await stage.applyBlock({ nodeName: node, blockId: 6, state: 'offline' });
    await untilGoingOffline(holder);
    const name = await stage.applyBlock({ nodeName: node, blockId: 7, state: 'offline' });
    const started = await stage.untilBlock(name, 'an operation', ({ status }) => status?.operation !== undefined);
    await eventually('it waits for the node’s lock', async () =>
      (await stage.lockTable(node)).some(({ waiters }) =>
        waiters.some(({ runId }) => runId === started.operation?.runId),
      ),
    );

    await stage.editBlock(name, { state: 'online' });
    await stage.waitReady(name);
    const { lastOperation, notifiers } = await stage.blockStatus(name);
    assert.deepEqual([lastOperation?.result, lastOperation?.runId], ['Superseded', started.operation?.runId]);
    assert.deepEqual(notifiers ?? [], [], 'nobody was asked');

    await stage.editBlock(name, { state: 'offline' });
    const next = await stage.untilBlock(name, 'another operation', ({ status }) => status?.operation !== undefined);
    assert.notEqual(next.operation?.runId, started.operation?.runId);
    await stage.behave(node, { migrationMs: 0 });
    await stage.waitReady(name);
    assert.deepEqual(await stage.effectsOf(node, 7), ['pages-offline'], 'only the operation that was wanted');
  });

  it('interrupts an offline that is no longer wanted while pages migrate: EINTR, and the block is as before', async () => {
    const node = await createNode('edit-migrating', { simulated: { migrationMs: FOR_EVER_MS } });
    const name = await stage.applyBlock({ nodeName: node, blockId: 7, state: 'offline' });
    await untilGoingOffline(name);
    await stage.editBlock(name, { state: 'online_movable' });
    await stage.waitReady(name);
    const { state, zone, lastOperation } = await stage.blockStatus(name);
    assert.deepEqual([lastOperation?.type, lastOperation?.errno], ['offline', 'EINTR']);
    assert.deepEqual([state, zone], ['online', 'Movable']);
    assert.deepEqual(await stage.effectsOf(node, 7), [], 'no page has left');
    assert.deepEqual(await stage.lockTable(node), []);
  });

  it('lets an online that holds its locks finish, and then does what is wanted now', async () => {
    const node = await createNode('edit-onlining', {
      simulated: { stepDelayMs: SLOW_STEP_MS, blocks: [{ range: '8', state: 'offline' }] },
    });
    const name = await stage.applyBlock({ nodeName: node, blockId: 8, state: 'online_movable' });
    const driving = await stage.untilBlock(name, 'driving', ({ status }) => status?.operation?.phase === 'Driving');
    await stage.editBlock(name, { state: 'offline' });
    const edited = await stage.blockStatus(name);
    assert.equal(edited.operation?.runId, driving.operation?.runId, 'the edit came while it ran');
    await stage.waitReady(name);
    assert.deepEqual(await stage.effectsOf(node, 8), ['pages-online', 'pages-offline']);
    const [online, offline] = await stage.effects(node);
    assert.equal(online?.runId, driving.operation?.runId);
    assert.notEqual(offline?.runId, online?.runId);
  });
});
