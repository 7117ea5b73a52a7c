/** What ends the wait after an operation that was refused before any notifier was asked: a change of what refused it. */
import assert from 'node:assert/strict';
import type { OperationOutcome } from '../../src/contract/operations.ts';
import type { NodeMemory } from '../../src/contract/resources.ts';
import { registeredNotifiers } from '../../src/controller/registered-notifiers.ts';
import { blockOf, CLUSTER, NODE, nodeMemoryOf, notifierOf } from '../support/block-fixtures.ts';
import { ControllerStage } from '../support/controller-stage.ts';

const LARGE = notifierOf('large');

describe('an offline that was refused', () => {
  let stage: ControllerStage;

  beforeEach(() => {
    stage = new ControllerStage();
  });
  afterEach(() => stage.close());

  const withFloor = (minOnline?: string): NodeMemory => ({
    ...nodeMemoryOf(),
    spec: minOnline === undefined ? {} : { minOnline },
  });
  function setNodeMemory(node: NodeMemory): Promise<void> {
    stage.cluster.nodeMemories.set(NODE, node);
    for (const controller of stage.controllers) controller.nodeMemoryChanged(node, 'update');
    return stage.settle();
  }

  /** On a node with floor 4Gi and one notifier. */
  async function refuse(outcome: Partial<OperationOutcome>): Promise<void> {
    stage.cluster.nodeMemories.set(NODE, withFloor('4Gi'));
    stage.cluster.notifiers.set('large', LARGE);
    await stage.run(blockOf({ state: 'offline' }, { state: 'online' }));
    await setNodeMemory(withFloor('4Gi'));
    for (const controller of stage.controllers) controller.notifierChanged(LARGE, 'add');
    stage.operations.end({ result: 'Failed', errno: 'EPERM', cause: 'Deferred', message: 'no', ...outcome });
    await stage.settle();
    assert.equal(stage.operations.runs.length, 1);
  }

  for (const minOnline of ['2Gi', '8Gi', undefined]) {
    it(`by the floor of its node is tried again at once when that is ${minOnline ?? 'taken away'}`, async () => {
      await refuse({ grounds: { minOnline: '4Gi' } });
      await setNodeMemory(withFloor(minOnline));
      assert.equal(stage.operations.runs.length, 2);
    });
  }

  it('because its chain is too long is tried again at once when that changes', async () => {
    const subject = { cluster: CLUSTER, block: blockOf(), nodeMemory: nodeMemoryOf(), node: undefined };
    await refuse({ grounds: { chain: registeredNotifiers([LARGE], subject).fingerprint } });
    await setNodeMemory(withFloor('2Gi'));
    assert.equal(stage.operations.runs.length, 1, 'the floor was not in its way');
    stage.cluster.notifiers.delete('large');
    for (const controller of stage.controllers) controller.notifierChanged(LARGE, 'delete');
    await stage.settle();
    assert.equal(stage.operations.runs.length, 2);
  });

  it('by the kernel waits, whatever becomes of the floor and of the chain', async () => {
    await refuse({ errno: 'EBUSY', chain: 'walked' });
    await setNodeMemory(withFloor('2Gi'));
    stage.cluster.notifiers.delete('large');
    for (const controller of stage.controllers) controller.notifierChanged(LARGE, 'delete');
    await stage.settle();
    assert.equal(stage.operations.runs.length, 1);
  });
});
