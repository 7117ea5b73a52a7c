/** Blocks that the operator must leave alone. */
import assert from 'node:assert/strict';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { readyOf, type BlockManifest } from '../support/simulated-cluster.ts';

const NODE = 'alone';

describe('hands off', function () {
  this.timeout(60_000);
  let stage: OperatorStage;

  before(async () => {
    stage = await openOperatorStage();
    await stage.createNode(NODE);
  });
  after(() => stage.deleteNode(NODE));

  const assertUntouched = async (block: BlockManifest): Promise<void> => {
    assert.deepEqual(await stage.effectsOf(block.nodeName, block.blockId), []);
    const name = `${block.nodeName}-memory${String(block.blockId)}`;
    assert.deepEqual(await stage.operations(`MemoryBlock="${name}"`), [], 'no operation');
  };

  it('a block online in the wrong zone is Stalled and never taken offline for that', async () => {
    const block = { nodeName: NODE, blockId: 7, state: 'online_kernel' } as const;
    const name = await stage.applyBlock(block);
    const status = await stage.untilReason(name, 'ZoneMismatch');
    assert.equal(status.conditions?.find(({ type }) => type === 'Stalled')?.status, 'True');
    assert.match(readyOf(status)!.message, /online in zone Movable/);
    await assertUntouched(block);
  });

  it('a block without a desired state is only observed', async () => {
    const block = { nodeName: NODE, blockId: 6 };
    const name = await stage.applyBlock(block);
    await stage.waitReady(name);
    assert.equal(readyOf(await stage.blockStatus(name))?.reason, 'ObserveOnly');
    await stage.byHand(NODE, 'memory6', 'offline');
    await stage.untilBlock(name, 'offline, and Ready still', ({ status }) => {
      return status?.state === 'offline' && readyOf(status)?.status === 'True';
    });
    assert.deepEqual(await stage.operations(`MemoryBlock="${name}"`), []);
  });

  it('a block of a node that does not exist waits for it, and is served once it does', async () => {
    const node = 'comes-later';
    const name = await stage.applyBlock({ nodeName: node, blockId: 8, state: 'online' });
    const status = await stage.untilReason(name, 'NodeGone');
    assert.equal(readyOf(status)?.status, 'False');
    assert.match(readyOf(status)!.message, /no NodeMemory comes-later/);
    await stage.createNode(node);
    await stage.waitReady(name);
    await stage.deleteNode(node);
  });

  it('a manifest that is refused disturbs nothing', async () => {
    const name = await stage.applyBlock({ nodeName: NODE, blockId: 8, state: 'online_movable' });
    const spec = { nodeName: NODE, blockId: 9, state: 'online' };
    const refused = [
      { metadata: { name: 'a-name-of-its-own' }, spec },
      { metadata: { name: `${NODE}-memory9` }, spec: { ...spec, state: 'going-offline' } },
      { metadata: { name: `${NODE}-memory8` }, spec: { ...spec, blockId: 8, nodeName: 'another' } },
    ];
    for (const manifest of refused) {
      const object = { apiVersion: 'memoryhotplug.io/v1alpha1', kind: 'MemoryBlock', ...manifest };
      const { status, stderr } = await stage.kubectl.run(['apply', '-f', '-'], object);
      assert.equal(status, 1, `${JSON.stringify(manifest)}: ${stderr}`);
      assert.match(stderr, /invalid|Unsupported value/i);
    }
    await stage.waitReady(name);
    assert.deepEqual(await stage.effectsOf(NODE, 8), ['created', 'pages-online']);
    assert.equal(await stage.block(`${NODE}-memory9`), undefined);
    assert.equal((await stage.block(name))?.metadata.generation, 1);
  });
});
