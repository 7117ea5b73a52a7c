/** Which NodeMemory objects an agent serves, by its driver. */
import assert from 'node:assert/strict';
import type { NodeSource } from '../../src/agent/node-source.ts';
import { simulatedNodes } from '../../src/agent/simulated-nodes.ts';
import { sysfsNode } from '../../src/agent/sysfs-node.ts';
import type { NodeMemory } from '../../src/contract/resources.ts';

const nodeMemory = (more: Partial<NodeMemory> = {}): NodeMemory => ({
  metadata: { name: 'worker-1' },
  spec: {},
  ...more,
});
const SIMULATED = nodeMemory({ spec: { simulated: {} }, status: { driver: 'simulated' } });
const REAL = nodeMemory({ spec: { minOnline: '4Gi' }, status: { driver: 'sysfs' } });
const ONCE_SIMULATED = nodeMemory({ status: { driver: 'simulated' } });
const ONCE_REAL = nodeMemory({ spec: { simulated: {} }, status: { driver: 'sysfs' } });
const NEW = nodeMemory();

const real = sysfsNode({ node: 'worker-1', sysfsRoot: '/nowhere' });

describe('node sources', () => {
  const refused = (source: NodeSource, node: NodeMemory): boolean => source.refusal(node) !== undefined;

  it('a real node serves its own NodeMemory only, and none that is or was simulated', () => {
    assert.equal(real.isOurs(REAL), true);
    assert.equal(real.isOurs({ ...REAL, metadata: { name: 'worker-2' } }), false);
    assert.deepEqual(
      [REAL, NEW, SIMULATED, ONCE_SIMULATED, ONCE_REAL].map((node) => refused(real, node)),
      [false, false, true, true, true],
    );
  });

  it('simulated nodes are those with spec.simulated, or those named; none that is or was real', () => {
    const all = simulatedNodes();
    const named = simulatedNodes(['worker-1']);
    assert.deepEqual([all.isOurs(SIMULATED), all.isOurs(REAL), named.isOurs(REAL)], [true, false, true]);
    assert.deepEqual(
      [SIMULATED, nodeMemory({ spec: { simulated: {} } }), REAL, NEW, ONCE_REAL].map((node) => refused(named, node)),
      [false, false, true, true, true],
    );
  });

  it('simulated nodes may be only those whose names begin as it was said', () => {
    const some = simulatedNodes(undefined, 'sim-');
    assert.equal(some.isOurs({ ...SIMULATED, metadata: { name: 'sim-1' } }), true);
    assert.equal(some.isOurs(SIMULATED), false, 'worker-1, whoever has put spec.simulated there');
  });

  it('no two agents of different drivers both serve one node', () => {
    for (const node of [SIMULATED, REAL, NEW, ONCE_SIMULATED, ONCE_REAL]) {
      for (const simulated of [simulatedNodes(), simulatedNodes(['worker-1'])]) {
        const serving = [real, simulated].filter((source) => source.isOurs(node) && !refused(source, node));
        assert.ok(serving.length <= 1, JSON.stringify(node));
      }
    }
  });

  it('a NodeMemory that is created anew has the spec of the lost one', () => {
    const simulated = simulatedNodes(['worker-1']);
    const lost = nodeMemory({ spec: { simulated: { maxBlockId: 9 }, minOnline: '1Gi' } });
    assert.deepEqual(simulated.newSpec(lost), lost.spec);
    assert.deepEqual(real.newSpec(REAL), REAL.spec);
  });

  it('without a lost one, a simulated node has a default layout and a real one needs none', () => {
    assert.ok(simulatedNodes(['worker-1']).newSpec().simulated?.blocks);
    assert.deepEqual(real.newSpec(), {});
  });

  it('nothing is taken over from a node of the other driver', () => {
    assert.deepEqual(real.newSpec(SIMULATED), {});
    assert.deepEqual(Object.keys(simulatedNodes(['worker-1']).newSpec(REAL)), ['simulated']);
  });

  it('a real node needs a Node, unless it is said to be none of the cluster', () => {
    assert.equal(real.needsNode, true);
    assert.equal(sysfsNode({ node: 'worker-1', sysfsRoot: '/nowhere', withoutNode: true }).needsNode, false);
    assert.equal(simulatedNodes().needsNode, false);
  });
});
