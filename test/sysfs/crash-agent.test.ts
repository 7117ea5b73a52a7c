/** The agent goes in the middle of a write: the write goes on, readers stay out, and the next agent takes it over. */
import assert from 'node:assert/strict';
import { openOnlineMems, type OnlineMems } from '../../src/online-mems/online-mems.ts';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { slowWrite, type SlowWrite } from '../support/slow-write.ts';
import { SysfsNode } from '../support/sysfs-node.ts';

/** A step that has gone silent is noticed after 10 s. */
const NOTICED_LIMIT_MS = 40_000;

describe('an agent that ends in the middle of a write', function () {
  this.timeout(90_000);
  let stage: OperatorStage;
  let node: SysfsNode;
  let mems: OnlineMems | undefined;
  let write: SlowWrite | undefined;

  before(async () => {
    stage = await openOperatorStage();
  });
  afterEach(async () => {
    mems?.close();
    write?.finish();
    await node.remove();
  });

  /** A block whose offline is under way in the kernel. */
  const offlining = async (name: string): Promise<string> => {
    node = await SysfsNode.start(stage, name);
    const delayed = slowWrite(`${node.tree.root}/memory5/state`);
    write = delayed;
    const block = await stage.applyBlock({ nodeName: name, blockId: 5, state: 'offline' });
    await eventually('the write is under way', () => delayed.isUnderWay());
    mems = openOnlineMems({ directory: node.gateDirectory });
    assert.equal(mems.tryGetOnlineMems(), false);
    return block;
  };

  for (const [how, end] of [
    ['by SIGKILL', 'kill'],
    ['by SIGTERM', 'stop'],
  ] as const) {
    it(`${how}: readers stay out, and the next agent answers what came of it`, async () => {
      const block = await offlining(`real-ended-${end}`);
      await stage.process(`${node.name}-agent`)[end]();
      assert.equal(write?.isUnderWay(), true, 'the write goes on');
      assert.equal(mems?.tryGetOnlineMems(), false);
      await node.startAgent();
      await node.untilServed();
      assert.equal(mems.tryGetOnlineMems(), false);
      write.finish();
      const { lastOperation } = await stage.untilBlock(
        block,
        'an outcome',
        ({ status }) => status?.lastOperation !== undefined,
        { limitMs: NOTICED_LIMIT_MS },
      );
      assert.equal(lastOperation?.result, 'Succeeded');
      assert.equal(node.tree.read(5), 'offline');
      assert.equal((await stage.operations(`MemoryBlock="${block}"`)).length, 1);
      await eventually('readers come in again', () => mems?.tryGetOnlineMems());
    });
  }

  it('and the operation is cancelled: the next agent interrupts the write before it says so', async () => {
    const block = await offlining('real-ended-cancelled');
    await stage.process(`${node.name}-agent`).kill();
    await stage.editBlock(block, { state: 'online_movable' });
    await node.startAgent();
    const { lastOperation } = await stage.untilBlock(
      block,
      'an outcome',
      ({ status }) => status?.lastOperation !== undefined,
      { limitMs: NOTICED_LIMIT_MS },
    );
    assert.equal(lastOperation?.type, 'offline');
    assert.notEqual(lastOperation.result, 'Succeeded');
    await eventually('no process writes any more', () => mems?.tryGetOnlineMems());
    write?.finish();
    await stage.waitReady(block);
    assert.equal(node.tree.read(5), 'online');
  });
});
