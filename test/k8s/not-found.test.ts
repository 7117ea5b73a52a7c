/** What a 404 means: only the API server itself knows what is not there. */
import assert from 'node:assert/strict';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Client } from '@temporalio/client';
import type { ObjectMeta } from '../../src/contract/resources.ts';
import { createKubernetesCluster } from '../../src/k8s/kubernetes-cluster.ts';
import { ResourceClient } from '../../src/k8s/resource-client.ts';
import { createLockServiceActivities } from '../../src/operator/lock-service-activities.ts';
import { FakeApiServer, FAKE_COLLECTION } from '../support/fake-api-server.ts';

const KIND = { apiVersion: 'example.test/v1', kind: 'Thing', path: FAKE_COLLECTION };
const LOST_ITS_SERVERS = { code: 404, body: 'default backend - 404' };

describe('an answer with code 404', () => {
  let server: FakeApiServer;
  let kubeConfig: KubeConfig;
  let things: ResourceClient<{ metadata: ObjectMeta }>;

  beforeEach(async () => {
    server = new FakeApiServer();
    kubeConfig = await server.listen();
    things = new ResourceClient(kubeConfig, KIND, 'tester');
  });
  afterEach(() => server.close());

  it('that is a Status with reason NotFound: there is no such object', async () => {
    server.balancer = { code: 404, body: JSON.stringify({ kind: 'Status', code: 404, reason: 'NotFound' }) };
    assert.equal(await things.get('a'), undefined);
    assert.equal(await things.writeStatus({ metadata: { name: 'a' } }, {}), 'gone');
  });

  for (const body of [LOST_ITS_SERVERS.body, '', '{"kind":"Error","reason":"NotFound"}', '{"kind":"Status"}']) {
    it(`that is '${body}': nothing is known`, async () => {
      server.balancer = { code: 404, body };
      await assert.rejects(things.get('a'), /answered 404.*what stands in between/);
      await assert.rejects(things.writeStatus({ metadata: { name: 'a' } }, {}), /answered 404/);
      await assert.rejects(things.list(), /answered 404/);
    });
  }

  it('that is the API server’s for a path that it does not serve: there is none of a kind that it does not list', async () => {
    await assert.rejects(things.get('a'), /answered 404/, 'it lists the kind');
    for (const isGroupInstalled of [true, false]) {
      Object.assign(server, { isInstalled: false, isGroupInstalled });
      assert.equal(await things.get('a'), undefined);
      await assert.rejects(things.list(), /does not know this kind. Apply crds/);
    }
  });

  it('that is not the API server’s frees no lock and tells nothing of a CRD', async () => {
    server.balancer = LOST_ITS_SERVERS;
    const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
    const cluster = createKubernetesCluster({ kubeConfig, instance: 'tester', log });
    const client = { workflow: {} } as unknown as Client;
    const events = { reportLockdep: () => Promise.resolve(), auditLockRelease: () => Promise.resolve() };
    const activities = createLockServiceActivities({ kubeConfig, client, cluster, events });
    await assert.rejects(activities.describeHolders({ cluster: 'c', node: 'worker-1', holders: [] }), /answered 404/);
    await assert.rejects(cluster.isCrdTerminating(), /answered 404/);
  });
});
