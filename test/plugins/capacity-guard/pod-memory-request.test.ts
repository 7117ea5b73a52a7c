import assert from 'node:assert/strict';
import fc from 'fast-check';
import { podMemoryRequestBytes } from '../../../src/plugins/capacity-guard/pod-memory-request.ts';
import type { ClusterPod, InitContainerMemory } from '../../../src/plugins/cluster-reader.ts';

function pod(given: Partial<ClusterPod>): ClusterPod {
  return { namespace: 'default', name: 'p', containers: [], initContainers: [], overheadBytes: 0, ...given };
}

const init = (requestBytes: number): InitContainerMemory => ({ requestBytes, isSidecar: false });
const sidecar = (requestBytes: number): InitContainerMemory => ({ requestBytes, isSidecar: true });
const bytes = fc.nat({ max: 1000 });
const anyPod = fc
  .record({
    containers: fc.array(fc.record({ requestBytes: bytes }), { maxLength: 4 }),
    initContainers: fc.array(fc.record({ requestBytes: bytes, isSidecar: fc.boolean() }), { maxLength: 5 }),
    overheadBytes: bytes,
  })
  .map(pod);

/** What is running at each moment of a pod's life, which is what the rule stands for. */
function peakBytes({ containers, initContainers, overheadBytes }: ClusterPod): number {
  const sidecarsUpTo = (at: number) =>
    initContainers
      .slice(0, at)
      .filter(({ isSidecar }) => isSidecar)
      .reduce((sum, { requestBytes }) => sum + requestBytes, 0);
  const moments = initContainers.map(({ requestBytes }, at) => sidecarsUpTo(at) + requestBytes);
  const running = containers.reduce((sum, { requestBytes }) => sum + requestBytes, sidecarsUpTo(initContainers.length));
  return Math.max(running, ...moments) + overheadBytes;
}

describe('memory request of a pod', () => {
  for (const { what, given, expected } of [
    { what: 'containers add up', given: { containers: [{ requestBytes: 1 }, { requestBytes: 2 }] }, expected: 3 },
    {
      what: 'the largest init container counts',
      given: { containers: [{ requestBytes: 1 }], initContainers: [init(5), init(4)] },
      expected: 5,
    },
    {
      what: 'a sidecar stays beside the containers',
      given: { containers: [{ requestBytes: 3 }], initContainers: [sidecar(2)] },
      expected: 5,
    },
    {
      what: 'a sidecar counts beside later init containers',
      given: { initContainers: [sidecar(2), init(5)] },
      expected: 7,
    },
    { what: 'but not beside earlier ones', given: { initContainers: [init(5), sidecar(2)] }, expected: 5 },
    { what: 'overhead comes on top', given: { containers: [{ requestBytes: 3 }], overheadBytes: 1 }, expected: 4 },
    {
      what: 'the request of the pod itself wins',
      given: { containers: [{ requestBytes: 3 }], podRequestBytes: 9, overheadBytes: 1 },
      expected: 10,
    },
    { what: 'no requests at all', given: {}, expected: 0 },
  ]) {
    it(what, () => {
      assert.equal(podMemoryRequestBytes(pod(given)), expected);
    });
  }

  it('is the most that any moment of its life needs', () => {
    fc.assert(
      fc.property(anyPod, (given) => {
        assert.equal(podMemoryRequestBytes(given), peakBytes(given));
      }),
    );
  });
});
