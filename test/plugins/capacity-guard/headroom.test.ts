import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decideOffline, type Headroom } from '../../../src/plugins/capacity-guard/headroom.ts';
import type { ClusterPod } from '../../../src/plugins/cluster-reader.ts';

const GI = 2 ** 30;

function pod(name: string, requestGi: number): ClusterPod {
  const containers = [{ requestBytes: requestGi * GI }];
  return { namespace: 'default', name, containers, initContainers: [], overheadBytes: 0 };
}

function headroom(given: Partial<Headroom>): Headroom {
  return { nodeName: 'worker-1', blockId: 32, sizeBytes: GI, reserveBytes: 0, pods: [], ...given };
}

function node(capacityGi: number, allocatableGi: number): Pick<Headroom, 'node'> {
  return { node: { name: 'worker-1', capacityBytes: capacityGi * GI, allocatableBytes: allocatableGi * GI } };
}

const pods = fc
  .array(fc.nat({ max: 8 }), { maxLength: 20 })
  .map((requests) => requests.map((requestGi, at) => pod(`p${String(at)}`, requestGi)));
const room = fc
  .record({ pods, allocatable: fc.nat({ max: 64 }), reserve: fc.nat({ max: 8 }), size: fc.integer({ min: 1, max: 4 }) })
  .map((given) => ({
    given,
    headroom: headroom({
      ...node(64, given.allocatable),
      pods: given.pods,
      reserveBytes: given.reserve * GI,
      sizeBytes: given.size * GI,
    }),
  }));

describe('capacity-guard headroom', () => {
  for (const { what, given, result } of [
    { what: 'requests fit to the byte', given: { ...node(8, 6), pods: [pod('a', 5)] }, result: 'NOTIFY_OK' },
    { what: 'requests do not fit', given: { ...node(8, 6), pods: [pod('a', 5), pod('b', 0.5)] }, result: 'NOTIFY_BAD' },
    {
      what: 'the reserve does not fit',
      given: { ...node(8, 6), pods: [pod('a', 5)], reserveBytes: 1 },
      result: 'NOTIFY_BAD',
    },
    { what: 'no pods', given: node(8, 6), result: 'NOTIFY_OK' },
    { what: 'only a NodeMemory', given: { onlineBytes: 3 * GI, pods: [pod('a', 2)] }, result: 'NOTIFY_OK' },
    { what: 'only a NodeMemory, too full', given: { onlineBytes: 2 * GI, pods: [pod('a', 2)] }, result: 'NOTIFY_BAD' },
    { what: 'nothing known', given: { pods: [pod('a', 2)] }, result: 'NOTIFY_DONE' },
    {
      what: 'a kubelet that still counts memory that is gone',
      given: { ...node(8, 6), onlineBytes: 6 * GI, pods: [pod('a', 5)] },
      result: 'NOTIFY_BAD',
    },
    {
      what: 'a kubelet that counts less than is online',
      given: { ...node(8, 6), onlineBytes: 9 * GI, pods: [pod('a', 5)] },
      result: 'NOTIFY_OK',
    },
  ] as const) {
    it(`${what}: ${result}`, () => {
      assert.equal(decideOffline(headroom(given)).result, result);
    });
  }

  it('vetoes exactly when allocatable - block - reserve is less than the requests', () => {
    fc.assert(
      fc.property(room, ({ given, headroom: situation }) => {
        const requested = given.pods.reduce((sum, { containers }) => sum + containers[0]!.requestBytes, 0);
        const isShort = (given.allocatable - given.size - given.reserve) * GI < requested;
        assert.equal(decideOffline(situation).result === 'NOTIFY_BAD', isShort);
      }),
    );
  });

  it('never gets milder when a pod, a byte of reserve or a byte of block is added', () => {
    fc.assert(
      fc.property(room, fc.nat({ max: 8 }), ({ headroom: situation }, more) => {
        if (decideOffline(situation).result !== 'NOTIFY_BAD') return;
        for (const worse of [
          { ...situation, pods: [...situation.pods, pod('one-more', more)] },
          { ...situation, reserveBytes: situation.reserveBytes + more },
          { ...situation, sizeBytes: situation.sizeBytes + more },
        ]) {
          assert.equal(decideOffline(worse).result, 'NOTIFY_BAD');
        }
      }),
    );
  });

  it('names the pods, largest first, and counts the rest', () => {
    const crowd = Array.from({ length: 17 }, (_, at) => pod(`p${String(at)}`, at + 1));
    const answer = decideOffline(headroom({ ...node(16, 16), pods: [...crowd, pod('idle', 0)] }));
    assert.deepEqual(answer, {
      result: 'NOTIFY_BAD',
      errno: 'EBUSY',
      outlook: 'Deferred',
      reason:
        'without memory32 (1Gi) worker-1 has 15Gi left, less than the 153Gi that its pods request: default/p16 17Gi, ' +
        'default/p15 16Gi, default/p14 15Gi, default/p13 14Gi, default/p12 13Gi and 12 more',
    });
  });

  it('speaks of the reserve when there is one, and of small sizes in Mi', () => {
    const answer = decideOffline(headroom({ ...node(1, 1), sizeBytes: 2 ** 27, reserveBytes: GI }));
    assert.equal(
      answer.reason,
      'without memory32 (128Mi) worker-1 has -128Mi left after the reserve of 1Gi, less than the 0Mi that its pods request',
    );
  });

  it('keeps its sentence within an event, for pods with names of usual length', () => {
    const long = Array.from({ length: 40 }, (_, at) => pod(`${'n'.repeat(60)}${String(at)}`, 1));
    const { reason = '' } = decideOffline(headroom({ ...node(1, 1), pods: long }));
    assert.ok(reason.length <= 800, String(reason.length));
  });
});
