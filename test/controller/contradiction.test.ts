/** Operators that differ, as during an upgrade: what one writes, the other would write otherwise. */
import assert from 'node:assert/strict';
import type { NodeMemory } from '../../src/contract/resources.ts';
import type { Caches } from '../../src/controller/cluster.ts';
import { leaveOut } from '../../src/controller/leave-out.ts';
import { blockOf, NODE, nodeMemoryOf, notifierOf } from '../support/block-fixtures.ts';
import { ControllerStage } from '../support/controller-stage.ts';

const NAME = 'worker-1-memory32';
/** Of one operator, as long as nothing changes; see RepeatedWrites. */
const WRITES_IN_10_S = 4;
const WRITES_IN_10_MIN = 15;

describe('two operators that differ', () => {
  let stage: ControllerStage;

  beforeEach(() => {
    stage = new ControllerStage();
  });
  afterEach(() => stage.close());

  const writesOf = (name: string): number => stage.cluster.statusWrites.filter((written) => written === name).length;

  /** Both say that the block's size has changed; each has other figures in its message. */
  async function runWithDifferentWords(): Promise<void> {
    const { cluster } = stage;
    const theirs: NodeMemory = { ...nodeMemoryOf(), status: { ...nodeMemoryOf().status, blockSize: '512Mi' } };
    const nodeMemories = { get: () => (cluster.nodeMemories.has(NODE) ? theirs : undefined), list: () => [theirs] };
    const caches: Caches = { ...cluster.caches, nodeMemories };
    await stage.run(blockOf({ state: 'online' }, { state: 'offline', blockSize: '1Gi' }));
    stage.startController({ caches });
    await stage.settle();
    assert.match(stage.ready(NAME)[2], /blocks of worker-1 are (128|512)Mi now and were 1Gi/);
  }

  it('in words: write a status less and less often, and so with events', async () => {
    await runWithDifferentWords();
    await stage.pass(10_000);
    assert.ok(writesOf(NAME) >= 2, 'they do contradict each other');
    assert.ok(writesOf(NAME) <= 2 * WRITES_IN_10_S, `${String(writesOf(NAME))} writes in 10 s`);
    await stage.pass(590_000);
    assert.ok(writesOf(NAME) <= 2 * WRITES_IN_10_MIN, `${String(writesOf(NAME))} writes in 10 min`);
  });

  it('in words: still say at once what is new', async () => {
    await runWithDifferentWords();
    await stage.pass(300_000);
    const { cluster } = stage;
    cluster.edit(NAME, { state: 'offline' });
    await stage.settle();
    assert.equal(stage.status(NAME).observedGeneration, 2);
    cluster.patchStatus(NAME, (status) => ({ ...status, state: 'online', zone: 'Normal' }));
    await stage.settle();
    const online = stage.status(NAME).conditions?.find(({ type }) => type === 'Online');
    assert.equal(online?.status, 'True');
    const { metadata, spec, ...block } = cluster.block(NAME);
    cluster.put({ ...block, spec: leaveOut(spec, 'state'), metadata: { ...metadata, generation: 3 } });
    await stage.settle();
    assert.deepEqual(stage.ready(NAME).slice(0, 2), ['True', 'ObserveOnly']);
  });

  it('in plugins: write a notifier less and less often, and still say at once what is new', async () => {
    await stage.run(blockOf());
    stage.startController({ checkTransport: () => Promise.resolve('no plugin was loaded here') });
    stage.cluster.putNotifier(notifierOf('guard'));
    await stage.pass(10_000);
    assert.ok(writesOf('guard') >= 2, 'they do contradict each other');
    assert.ok(writesOf('guard') <= 2 * WRITES_IN_10_S, `${String(writesOf('guard'))} writes in 10 s`);
    await stage.pass(590_000);
    assert.ok(writesOf('guard') <= 2 * WRITES_IN_10_MIN, `${String(writesOf('guard'))} writes in 10 min`);
    const { metadata, spec, status } = stage.cluster.notifiers.get('guard') ?? notifierOf('guard');
    stage.cluster.putNotifier({
      spec: { ...spec, suspend: true },
      metadata: { ...metadata, generation: 2 },
      ...(status ? { status } : {}),
    });
    await stage.settle();
    assert.equal(stage.cluster.notifiers.get('guard')?.status?.conditions?.[0]?.observedGeneration, 2);
  });
});
