import assert from 'node:assert/strict';
import { pickNode, type SeenNode } from '../support/e2e-node.ts';

function node(name: string, more: Pick<SeenNode, 'spec'> & { ready?: string; os?: string } = {}): SeenNode {
  const { ready = 'True', os = 'linux', spec = {} } = more;
  const labels = { 'kubernetes.io/hostname': `${name}.example`, 'kubernetes.io/os': os };
  return { metadata: { name, labels }, spec, status: { conditions: [{ type: 'Ready', status: ready }] } };
}

describe('the node for end-to-end tests', () => {
  const unfit = [
    node('control-plane', {
      spec: { taints: [{ effect: 'NoSchedule' }] },
    }),
    node('drained', { spec: { unschedulable: true } }),
    node('down', { ready: 'Unknown' }),
    node('other', { os: 'windows' }),
  ];

  it('is the first that takes ordinary pods, by the name that it has as a host', () => {
    const nodeSelector = { 'kubernetes.io/hostname': 'worker-1.example' };
    assert.deepEqual(pickNode([...unfit, node('worker-1'), node('worker-2')]), { name: 'worker-1', nodeSelector });
  });

  it('is not made up', () => {
    assert.throws(() => pickNode(unfit), /no node of this cluster is Ready/);
  });
});
