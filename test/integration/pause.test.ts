/** The annotation that holds back new operations. */
import assert from 'node:assert/strict';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { readyOf } from '../support/simulated-cluster.ts';

const NODE = 'paused';
const PAUSE = 'memoryhotplug.io/paused';

describe('pause', function () {
  this.timeout(60_000);
  let stage: OperatorStage;

  before(async () => {
    stage = await openOperatorStage();
    await stage.createNode(NODE);
  });
  after(() => stage.deleteNode(NODE));

  it('starts no operation and says so; without the annotation it goes on', async () => {
    const block = { nodeName: NODE, blockId: 7, state: 'offline' } as const;
    const name = await stage.applyBlock({ ...block, annotations: { [PAUSE]: 'true' } });
    const status = await stage.untilReason(name, 'Paused');
    assert.equal(status.operation, undefined);
    assert.match(readyOf(status)!.message, /offline is wanted.*memoryhotplug\.io\/paused/);
    assert.equal(status.conditions?.find(({ type }) => type === 'Stalled')?.status, 'True');
    await stage.kubectl.succeed(['annotate', `mb/${name}`, `${PAUSE}-`]);
    await stage.waitReady(name);
    assert.deepEqual(await stage.effectsOf(NODE, 7), ['pages-offline']);
    const runs = await stage.operations(`MemoryBlock="${name}"`);
    assert.equal(runs.length, 1, 'none was started while it was paused');
  });

  it('leaves a block Ready that is as asked for', async () => {
    const block = { nodeName: NODE, blockId: 6, state: 'online_movable' } as const;
    const name = await stage.applyBlock({ ...block, annotations: { [PAUSE]: 'true' } });
    await stage.waitReady(name);
  });
});
