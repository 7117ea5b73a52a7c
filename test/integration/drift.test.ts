/** Somebody else changes a block: said, or put right, as driftPolicy says. A reboot is no drift. */
import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { followBlock } from '../support/follow-block.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { readyOf } from '../support/simulated-cluster.ts';

const NODE = 'drifting';

describe('drift', function () {
  this.timeout(60_000);
  let stage: OperatorStage;

  before(async () => {
    stage = await openOperatorStage();
    await stage.createNode(NODE);
  });
  after(() => stage.deleteNode(NODE));

  it('with Report is shown and told, and nothing is done until the block is put back', async () => {
    const name = await stage.applyBlock({ nodeName: NODE, blockId: 7, state: 'online' });
    await stage.waitReady(name);
    await stage.byHand(NODE, 'memory7', 'offline');
    const status = await stage.untilReason(name, 'Drifted');
    assert.deepEqual([readyOf(status)?.status, status.state], ['False', 'offline']);
    await stage.byHand(NODE, 'memory7', 'online_movable');
    await stage.waitReady(name);
    // An event comes after the status that it is about.
    const events = await eventually('all is told', async () => {
      const told = (await stage.events(name)).map(({ type, reason }) => `${type} ${reason}`);
      return told.length >= 3 ? told : undefined;
    });
    assert.deepEqual(events, ['Normal Settled', 'Warning Drifted', 'Normal Settled']);
    assert.deepEqual(await stage.operations(`MemoryBlock="${name}"`), [], 'no operation');
  });

  it('with Correct is put right', async () => {
    const name = await stage.applyBlock({
      nodeName: NODE,
      blockId: 6,
      state: 'online_movable',
      driftPolicy: 'Correct',
    });
    await stage.waitReady(name);
    await stage.byHand(NODE, 'memory6', 'offline');
    await stage.untilBlock(name, 'an online by the operator', ({ status }) => status?.lastOperation?.type === 'online');
    await stage.waitReady(name);
    const effects = (await stage.effects(NODE)).filter(({ blockId }) => blockId === 6);
    assert.deepEqual(
      effects.map(({ change, step }) => `${change} ${step}`),
      ['pages-offline by-hand', 'pages-online commit'],
    );
  });

  it('is not what a reboot is: the desired state is restored, with Report as well', async () => {
    const node = 'rebooting';
    await stage.createNode(node);
    const name = await stage.applyBlock({ nodeName: node, blockId: 8, state: 'online_movable', driftPolicy: 'Report' });
    await stage.waitReady(name);
    const followed = await followBlock(stage, name);
    const before = await stage.nodeState(node);
    await stage.byHand(node, 'reboot');
    await stage.untilBlock(name, 'Ready in another boot', ({ status }) => {
      const isOther = status?.readyBootId !== undefined && status.readyBootId !== before.bootId;
      return isOther && status.state === 'online' && readyOf(status)?.status === 'True';
    });
    await followed.stop();
    const expected = ['created', 'pages-online', 'created', 'pages-online'];
    assert.deepEqual(await stage.effectsOf(node, 8), expected, 'the memory that was plugged in is added again');
    const reasons = followed.versions.map(({ status }) => readyOf(status)?.reason);
    assert.ok(!reasons.includes('Drifted'), reasons.join(' → '));
    await stage.deleteNode(node);
  });
});
