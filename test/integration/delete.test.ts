/** `kubectl delete` of a MemoryBlock: what its deletionPolicy does to the memory, and the way out when it cannot end. */
import assert from 'node:assert/strict';
import { parseBlockRanges } from '../../src/contract/block-ranges.ts';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { readyOf } from '../support/simulated-cluster.ts';

const NODE = 'deleted';
const LABELS = { test: NODE };

describe('kubectl delete', function () {
  this.timeout(60_000);
  let stage: OperatorStage;

  before(async () => {
    stage = await openOperatorStage();
    await stage.applyNotifier('never-offline', {
      blockSelector: { matchLabels: LABELS },
      plugin: { name: 'fault-injection', config: { errors: { MEM_GOING_OFFLINE: 'EBUSY' } } },
    });
    await stage.createNode(NODE);
  });
  after(async () => {
    await stage.kubectl.succeed(['delete', '--ignore-not-found', 'mnot/never-offline']);
    await stage.deleteNode(NODE);
  });

  const blocksOfNode = async (): Promise<readonly number[]> =>
    ((await stage.node(NODE))?.status?.blocks ?? []).flatMap(({ range }) => parseBlockRanges(range));

  it('with Remove takes the block offline, removes it, and ends when it is gone', async () => {
    const name = await stage.applyBlock({
      nodeName: NODE,
      blockId: 8,
      state: 'online_movable',
      deletionPolicy: 'Remove',
    });
    await stage.waitReady(name);
    assert.ok((await blocksOfNode()).includes(8));
    await stage.kubectl.succeed(['delete', `mb/${name}`, '--timeout=20s']);
    assert.equal(await stage.block(name), undefined);
    assert.deepEqual(await stage.effectsOf(NODE, 8), ['created', 'pages-online', 'pages-offline', 'removed']);
    await eventually('the NodeMemory has no such block', async () => !(await blocksOfNode()).includes(8));
    assert.deepEqual(await stage.lockTable(NODE), []);
  });

  it('with Retain lets the object go at once and leaves the memory alone', async () => {
    const name = await stage.applyBlock({ nodeName: NODE, blockId: 9, state: 'online_movable' });
    await stage.waitReady(name);
    assert.deepEqual((await stage.block(name))?.metadata.finalizers ?? [], [], 'nothing to wait for');
    await stage.kubectl.succeed(['delete', `mb/${name}`, '--wait=false']);
    assert.equal(await stage.block(name), undefined, 'gone when kubectl returns');
    assert.equal((await stage.nodeState(NODE)).blocks[9]?.state, 'online');
    assert.deepEqual(await stage.effectsOf(NODE, 9), ['created', 'pages-online']);
  });

  it('with Remove waits visibly while a plugin vetoes; the orphan annotation lets the object go', async () => {
    const block = {
      nodeName: NODE,
      blockId: 10,
      state: 'online_movable',
      deletionPolicy: 'Remove',
      labels: LABELS,
    } as const;
    const name = await stage.applyBlock(block);
    await stage.waitReady(name);
    await stage.kubectl.succeed(['delete', `mb/${name}`, '--wait=false']);
    await stage.untilBlock(name, 'vetoed', ({ status }) => readyOf(status)?.reason === 'Vetoed');
    const shown = await stage.kubectl.succeed(['get', 'mb', name, '-o', 'wide', '--no-headers']);
    assert.match(shown, /False +Vetoed .*never-offline/);

    await stage.kubectl.succeed(['annotate', `mb/${name}`, 'memoryhotplug.io/orphan=ticket 4711']);
    await stage.untilGone(name);
    const orphaned = (await stage.events(name)).filter(({ reason }) => reason === 'Orphaned');
    assert.equal(orphaned.length, 1);
    assert.match(orphaned[0]!.message, /ticket 4711/);
    assert.deepEqual(await stage.effectsOf(NODE, 10), ['created', 'pages-online'], 'the memory stays');
  });

  it('that waits for a node which goes away ends without touching memory', async () => {
    const node = 'deleted-with-its-node';
    await stage.createNode(node);
    const block = { nodeName: node, blockId: 7, state: 'online', deletionPolicy: 'Remove', labels: LABELS } as const;
    const name = await stage.applyBlock(block);
    await stage.waitReady(name);
    await stage.kubectl.succeed(['delete', `mb/${name}`, '--wait=false']);
    await stage.untilBlock(name, 'vetoed', ({ status }) => readyOf(status)?.reason === 'Vetoed');
    await stage.kubectl.succeed(['delete', `nmem/${node}`]);
    await stage.untilGone(name);
    assert.ok((await stage.events(name)).some(({ reason }) => reason === 'NodeGone'));
    assert.deepEqual(await stage.effects(node), []);
  });
});
