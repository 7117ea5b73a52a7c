import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  explainWorkflowId,
  holdLocksWorkflowId,
  locksTaskQueue,
  memoryBlockName,
  nodeLocksWorkflowId,
  nodeTaskQueue,
  offlinePermitsWorkflowId,
  operationsTaskQueue,
  operationWorkflowId,
  subjectOfWorkflow,
} from '../../src/contract/names.ts';

/** Names that look most like each other's ends: dashes, digits, dots and the word `memory`. */
const dnsName = fc
  .array(fc.constantFrom('a', '1', '-memory1', '-', '.', '0'), { maxLength: 5 })
  .map((parts) => `n${parts.join('')}z`);
const place = fc.record({ cluster: dnsName, node: dnsName, blockId: fc.nat({ max: 120 }) });

describe('names', () => {
  it('differ for different blocks', () => {
    fc.assert(
      fc.property(place, place, (a, b) => {
        const isSame = a.node === b.node && a.blockId === b.blockId;
        assert.equal(memoryBlockName(a.node, a.blockId) === memoryBlockName(b.node, b.blockId), isSame);
      }),
    );
  });

  it('say what a workflow is about, and nothing of an id that is not of that form', () => {
    fc.assert(
      fc.property(place, ({ cluster, node, blockId }) => {
        assert.deepEqual(subjectOfWorkflow(operationWorkflowId(cluster, node, blockId)), { node, blockId });
        assert.deepEqual(subjectOfWorkflow(explainWorkflowId(cluster, node, blockId, 'a/1')), { node, blockId });
        assert.deepEqual(subjectOfWorkflow(nodeLocksWorkflowId(cluster, node)), { node });
        assert.deepEqual(subjectOfWorkflow(holdLocksWorkflowId(cluster, node, 'a')), { node });
      }),
    );
    for (const id of [
      '',
      'a/b/c',
      'my-workflow',
      offlinePermitsWorkflowId('c'),
      'c/memoryblock/worker-1/x',
      '/memoryblock/n/1',
    ]) {
      assert.equal(subjectOfWorkflow(id), undefined, id);
    }
  });

  it('never meet between two clusters, two nodes, two blocks or two kinds', () => {
    const allOf = ({ cluster, node, blockId }: { cluster: string; node: string; blockId: number }) => ({
      operation: operationWorkflowId(cluster, node, blockId),
      locks: nodeLocksWorkflowId(cluster, node),
      operations: operationsTaskQueue(cluster),
      lockQueue: locksTaskQueue(cluster),
      permits: offlinePermitsWorkflowId(cluster),
      queue: nodeTaskQueue(cluster, node),
    });
    fc.assert(
      fc.property(place, place, (a, b) => {
        const names = [...Object.values(allOf(a))];
        assert.equal(new Set(names).size, names.length);
        const shared = names.filter((name) => Object.values(allOf(b)).includes(name));
        if (a.cluster !== b.cluster) assert.deepEqual(shared, []);
        else if (a.node !== b.node)
          assert.deepEqual(shared, [
            operationsTaskQueue(a.cluster),
            locksTaskQueue(a.cluster),
            offlinePermitsWorkflowId(a.cluster),
          ]);
        else assert.equal(shared.includes(allOf(a).operation), a.blockId === b.blockId);
      }),
    );
  });
});
