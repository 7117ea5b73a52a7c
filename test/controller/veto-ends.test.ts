/** What ends the wait after a veto before its time: whatever changes who would be asked, or how. */
import assert from 'node:assert/strict';
import type { MemoryNotifier, NodeMemory } from '../../src/contract/resources.ts';
import type { NodeObject } from '../../src/controller/cluster.ts';
import type { Controller } from '../../src/controller/controller.ts';
import { registeredNotifiers } from '../../src/controller/registered-notifiers.ts';
import { blockOf, CLUSTER, NODE, nodeMemoryOf, notifierOf } from '../support/block-fixtures.ts';
import { ControllerStage } from '../support/controller-stage.ts';

const NAME = `${NODE}-memory32`;
const SELECTED = { rack: 'r1' };
const GUARD = notifierOf('guard', {
  nodeSelector: { matchLabels: SELECTED },
  blockSelector: { matchLabels: { tier: 'cold' } },
});

describe('a vetoed operation', () => {
  let stage: ControllerStage;
  let controller: Controller;

  const setNode = (node: NodeObject): void => {
    stage.cluster.nodes.set(NODE, node);
    controller.nodeChanged(node, 'update');
  };
  const setNodeMemory = (node: NodeMemory): void => {
    stage.cluster.nodeMemories.set(NODE, node);
    controller.nodeMemoryChanged(node, 'update');
  };
  const setNotifier = (notifier: MemoryNotifier): void => {
    stage.cluster.notifiers.set(notifier.metadata.name, notifier);
    controller.notifierChanged(notifier, 'update');
  };
  const nodeOf = (labels: Readonly<Record<string, string>>): NodeObject => ({ metadata: { name: NODE, labels } });

  /** A block that the notifier `guard` has vetoed, on a node that has the label on `labelled`. */
  async function veto(labelled: 'Node' | 'NodeMemory' = 'Node'): Promise<void> {
    const { cluster, operations } = stage;
    const nodeMemory = nodeMemoryOf(undefined, undefined, labelled === 'NodeMemory' ? { labels: SELECTED } : {});
    const node = labelled === 'Node' ? nodeOf(SELECTED) : undefined;
    cluster.nodeMemories.set(NODE, nodeMemory);
    if (node) cluster.nodes.set(NODE, node);
    cluster.notifiers.set('guard', GUARD);
    const block = blockOf({ state: 'online' }, { state: 'offline' }, { labels: { tier: 'cold' } });
    await stage.run(block);
    controller = stage.controllers[0]!;
    controller.nodeMemoryChanged(nodeMemory, 'add');
    if (node) controller.nodeChanged(node, 'add');
    controller.notifierChanged(GUARD, 'add');
    await stage.settle();
    const chain = registeredNotifiers([GUARD], { cluster: CLUSTER, block, nodeMemory, node });
    assert.equal(chain.notifiers.length, 1);
    const message = 'vetoed by guard at MEM_GOING_ONLINE (EBUSY): full';
    const retryAfterSeconds = 86_400;
    operations.end({ result: 'Vetoed', errno: 'EBUSY', message, chain: chain.fingerprint, retryAfterSeconds });
    await stage.settle();
    assert.equal(operations.runs.length, 1);
  }

  beforeEach(() => {
    stage = new ControllerStage();
  });
  afterEach(() => stage.close());

  const CHANGES: Readonly<Record<string, () => void>> = {
    'its notifier is suspended': () => {
      setNotifier({ ...GUARD, spec: { ...GUARD.spec, suspend: true }, metadata: { ...GUARD.metadata, generation: 2 } });
    },
    'the config of its notifier is edited': () => {
      const spec = { ...GUARD.spec, plugin: { name: 'guard', config: { reserve: '1Gi' } } };
      setNotifier({ ...GUARD, spec, metadata: { ...GUARD.metadata, generation: 2 } });
    },
    'its notifier is deleted': () => {
      stage.cluster.notifiers.delete('guard');
      controller.notifierChanged(GUARD, 'delete');
    },
    'its notifier is being deleted': () => {
      setNotifier({ ...GUARD, metadata: { ...GUARD.metadata, deletionTimestamp: '2026-01-01T12:00:00Z' } });
    },
    'another notifier is registered': () => {
      setNotifier(notifierOf('another'));
    },
    'the Node is no longer selected': () => {
      setNode(nodeOf({ rack: 'r2' }));
    },
    'the block is no longer selected': () => {
      const block = stage.cluster.block(NAME);
      stage.cluster.put({ ...block, metadata: { ...block.metadata, labels: {} } });
    },
  };

  for (const [what, change] of Object.entries(CHANGES)) {
    it(`is tried again at once when ${what}`, async () => {
      await veto();
      change();
      await stage.settle();
      assert.equal(stage.operations.runs.length, 2);
    });
  }

  it('is tried again at once when the NodeMemory is no longer selected', async () => {
    await veto('NodeMemory');
    setNodeMemory(nodeMemoryOf());
    await stage.settle();
    assert.equal(stage.operations.runs.length, 2);
  });

  it('waits as long as the plugin said when what changes does not concern it', async () => {
    await veto();
    setNotifier(notifierOf('elsewhere', { nodeSelector: { matchLabels: { rack: 'r2' } } }));
    setNotifier({ ...GUARD, status: { target: 'guard' } });
    setNode(nodeOf({ ...SELECTED, zone: 'z1' }));
    await stage.settle();
    assert.equal(stage.operations.runs.length, 1);
    assert.equal(stage.status(NAME).retry?.nextTime, '2026-01-02T12:00:00.000Z');
  });
});
