/** Memory that cannot go offline: the kernel's errno, and who was told about the attempt. */
import assert from 'node:assert/strict';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';

const NODE = 'stuck';
const LABELS = { test: NODE };

describe('offline of memory that cannot go', function () {
  this.timeout(60_000);
  let stage: OperatorStage;

  before(async () => {
    stage = await openOperatorStage();
    // Agrees to everything: its answers show which actions were told.
    await stage.applyNotifier('witness', {
      blockSelector: { matchLabels: LABELS },
      plugin: { name: 'fault-injection' },
    });
    await stage.createNode(NODE, { simulated: { unmovable: '3', pinned: '7' } });
  });
  after(async () => {
    await stage.kubectl.succeed(['delete', '--ignore-not-found', 'mnot/witness']);
    await stage.deleteNode(NODE);
  });

  for (const { what, blockId, zone, told } of [
    { what: 'an unmovable page: EBUSY before anybody is asked', blockId: 3, zone: 'Normal', told: [] },
    {
      what: 'a page that turns out to be pinned: EBUSY, and the whole chain is told that it is off',
      blockId: 7,
      zone: 'Movable',
      told: ['MEM_GOING_OFFLINE', 'MEM_CANCEL_OFFLINE'],
    },
  ]) {
    it(what, async () => {
      const name = await stage.applyBlock({ nodeName: NODE, blockId, state: 'offline', labels: LABELS });
      const status = await stage.untilReason(name, 'Failed');
      assert.deepEqual([status.lastOperation?.result, status.lastOperation?.errno], ['Failed', 'EBUSY']);
      assert.deepEqual([status.state, status.zone], ['online', zone], 'it is as before');
      assert.deepEqual(status.notifiers?.map(({ action }) => action) ?? [], told);
      assert.equal(status.retry?.count, 1, 'it will be tried again');
      assert.deepEqual(await stage.effectsOf(NODE, blockId), []);
    });
  }
});
