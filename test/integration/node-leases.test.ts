/** Leases of nodes on a real API server: created, compared and set, given back; what others wrote stays. */
import assert from 'node:assert/strict';
import type { V1Lease } from '@kubernetes/client-node';
import { loadKubeConfig } from '../../src/k8s/kube-config.ts';
import { createNodeLeases } from '../../src/k8s/node-leases.ts';
import type { NodeLease, NodeLeases } from '../../src/plugins/node-leases.ts';
import { sharedControlPlane, type TestControlPlane } from '../support/control-plane.ts';

const NAMESPACE = 'node-leases-test';
const NODE = 'leased';
const NOW_MS = Date.parse('2026-01-01T12:00:00.123Z');
const HELD: NodeLease = {
  namespace: NAMESPACE,
  node: NODE,
  holder: 'memory-hotplug-operator',
  durationSeconds: 60,
  acquireMs: NOW_MS,
  renewMs: NOW_MS,
  transitions: 2,
  operation: { workflowId: 'c/memoryblock/leased/32', runId: 'run-1', token: 2 ** 31 + 5 },
};
/** As somebody else writes it. */
const LEASE = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: `node-${NODE}`, namespace: NAMESPACE },
  spec: { holderIdentity: 'somebody', leaseDurationSeconds: 40 },
};

describe('Leases of nodes on a real API server', function () {
  this.timeout(60_000);
  let plane: TestControlPlane;
  let leases: NodeLeases;

  before(async () => {
    plane = await sharedControlPlane();
    leases = createNodeLeases(loadKubeConfig({ kubeconfig: plane.kubeconfig }));
    await plane.kubectl.succeed(['create', 'namespace', NAMESPACE]);
    await plane.kubectl.succeed(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } });
  });

  afterEach(() => plane.kubectl.succeed(['delete', 'lease', '-n', NAMESPACE, '--all']));

  after(async () => {
    await plane.kubectl.succeed(['delete', 'node', NODE, '--ignore-not-found']);
    await plane.kubectl.succeed(['delete', 'namespace', NAMESPACE, '--wait=false', '--ignore-not-found']);
  });

  async function stored(): Promise<V1Lease> {
    const text = await plane.kubectl.succeed(['get', 'lease', `node-${NODE}`, '-n', NAMESPACE, '-o', 'json']);
    return JSON.parse(text) as V1Lease;
  }

  async function read(): Promise<NodeLease> {
    const lease = await leases.read(NAMESPACE, NODE);
    assert.ok(lease?.version);
    return lease;
  }

  it('creates one as medik8s does, and reads back what was written', async () => {
    assert.equal(await leases.read(NAMESPACE, NODE), undefined);
    assert.equal(await leases.write(HELD, false), 'written');
    const { version, ...rest } = await read();
    assert.ok(version);
    assert.deepEqual(rest, HELD);
    const { metadata, spec } = await stored();
    const uid = await plane.kubectl.succeed(['get', 'node', NODE, '-o', 'jsonpath={.metadata.uid}']);
    assert.deepEqual(metadata?.ownerReferences, [{ apiVersion: 'v1', kind: 'Node', name: NODE, uid }]);
    assert.deepEqual(spec, {
      holderIdentity: 'memory-hotplug-operator',
      leaseDurationSeconds: 60,
      acquireTime: '2026-01-01T12:00:00.123000Z',
      renewTime: '2026-01-01T12:00:00.123000Z',
      leaseTransitions: 2,
    });
  });

  it('lets exactly one of two win who create or change the same version', async () => {
    // The second two are not the first: to write what is there already is no change, and no conflict.
    for (const [one, two] of [
      ['one', 'two'],
      ['three', 'four'],
    ] as const) {
      const lease = (await leases.read(NAMESPACE, NODE)) ?? HELD;
      const results = await Promise.all([
        leases.write({ ...lease, holder: one }, false),
        leases.write({ ...lease, holder: two }, false),
      ]);
      assert.deepEqual(results.toSorted(), ['conflict', 'written']);
      assert.equal((await read()).holder, results[0] === 'written' ? one : two);
    }
  });

  it('gives back without taking from it what others wrote', async () => {
    await leases.write(HELD, false);
    await plane.kubectl.succeed(['label', 'lease', `node-${NODE}`, '-n', NAMESPACE, 'theirs=yes']);
    const { namespace, node, version = '', transitions } = await read();
    assert.equal(await leases.write({ namespace, node, version, transitions }, false), 'written');
    const { metadata, spec } = await stored();
    assert.deepEqual([metadata?.labels, metadata?.annotations], [{ theirs: 'yes' }, undefined]);
    assert.deepEqual(spec, { leaseTransitions: 2 });
  });

  it('stores nothing in a dry run, and still finds out', async () => {
    assert.equal(await leases.write(HELD, true), 'written');
    assert.equal(await leases.read(NAMESPACE, NODE), undefined);
    assert.equal(await leases.write({ ...HELD, namespace: 'not-there' }, true), 'no-namespace');
  });

  it('tells a namespace that is not there from a Lease that was deleted meanwhile', async () => {
    assert.equal(await leases.write({ ...HELD, namespace: 'not-there' }, false), 'no-namespace');
    assert.equal(await leases.write({ ...HELD, version: '1' }, false), 'conflict');
  });

  it('has no owner where there is no Node, and is known again all the same when it was given back', async () => {
    const node = 'simulated';
    assert.equal(await leases.write({ ...HELD, node }, false), 'written');
    const args = ['get', 'lease', 'node-simulated', '-n', NAMESPACE, '-o', 'jsonpath={.metadata.ownerReferences}'];
    assert.equal(await plane.kubectl.succeed(args), '');
    for (const next of [
      { namespace: NAMESPACE, node, transitions: 2 },
      { ...HELD, node },
    ]) {
      const { version = '' } = (await leases.read(NAMESPACE, node)) ?? {};
      assert.equal(await leases.write({ ...next, version }, false), 'written');
    }
  });

  const owner = (name: string, kind = 'Node', apiVersion = 'v1'): object => ({ apiVersion, kind, name, uid: 'u' });
  for (const [whose, ownerReferences] of [
    ['of a leader election', []],
    ['of the kubelet of another node, which happens to be called node-leased', [owner('node-leased')]],
    ['of something else of that name', [owner(NODE, 'Pod'), owner(NODE, 'Node', 'example.com/v1')]],
  ] as const) {
    it(`can neither be read nor be written when it is that ${whose}`, async () => {
      const lease = { ...LEASE, metadata: { ...LEASE.metadata, ownerReferences } };
      await plane.kubectl.succeed(['create', '-f', '-'], lease);
      const { metadata, spec } = await stored();
      const version = metadata?.resourceVersion ?? '';
      const refusal =
        /^Error: Lease node-leased in \S+ is none of node leased: no Node of that name owns it\. Use the namespace/;
      await assert.rejects(leases.read(NAMESPACE, NODE), refusal);
      for (const isDryRun of [true, false]) {
        await assert.rejects(leases.write({ ...HELD, version }, isDryRun), refusal);
        assert.equal(await leases.write(HELD, isDryRun), 'conflict');
      }
      assert.deepEqual([(await stored()).metadata, (await stored()).spec], [metadata, spec]);
    });
  }

  it('is taken from medik8s, whose Lease its Node owns', async () => {
    const lease = { ...LEASE, metadata: { ...LEASE.metadata, ownerReferences: [owner(NODE)] } };
    await plane.kubectl.succeed(['create', '-f', '-'], lease);
    const { version = '', holder } = await read();
    assert.equal(holder, 'somebody');
    assert.equal(await leases.write({ ...HELD, version }, false), 'written');
  });

  it('rejects with what to do when the API server refuses', async () => {
    await assert.rejects(leases.write({ ...HELD, durationSeconds: -1 }, false), /answered 422: .*leaseDurationSeconds/);
  });

  it('takes an annotation that somebody else wrote for none of ours', async () => {
    await leases.write(HELD, false);
    const annotation = 'memoryhotplug.io/operation=me';
    await plane.kubectl.succeed(['annotate', '--overwrite', 'lease', `node-${NODE}`, '-n', NAMESPACE, annotation]);
    assert.equal((await read()).operation, undefined);
  });
});
