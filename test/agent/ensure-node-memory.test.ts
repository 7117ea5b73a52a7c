/** When the agent creates its NodeMemory, and whose that is. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { ensureNodeMemory } from '../../src/agent/ensure-node-memory.ts';
import type { NodeMemory, ObjectMeta } from '../../src/contract/resources.ts';
import { whyNodeIsGone } from '../../src/controller/node-presence.ts';

const NEW = { name: 'w1', spec: { minOnline: '4Gi' }, needsNode: true };

describe('NodeMemory of an agent', () => {
  let server: Server;
  let kubeConfig: KubeConfig;
  let node: { metadata: ObjectMeta } | undefined;
  let nodeMemory: NodeMemory | undefined;

  before(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        if (request.method === 'POST') nodeMemory = JSON.parse(body) as NodeMemory;
        const found = request.url?.startsWith('/api/v1/nodes') ? node : nodeMemory;
        response.writeHead(found ? 200 : 404, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify(found ?? { kind: 'Status', code: 404, reason: 'NotFound' }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    kubeConfig = new KubeConfig();
    const cluster = { name: 'fake', server: `http://127.0.0.1:${String(port)}`, skipTLSVerify: true };
    kubeConfig.loadFromClusterAndUser(cluster, { name: 'anyone' });
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    node = nodeMemory = undefined;
  });

  it('belongs to the Node, with the spec that was asked for', async () => {
    node = { metadata: { name: 'w1', uid: 'u1' } };
    await ensureNodeMemory(kubeConfig, NEW);
    assert.deepEqual([nodeMemory?.metadata.ownerReferences?.[0]?.uid, nodeMemory?.spec], ['u1', NEW.spec]);
  });

  it('of a node of the cluster is not made while there is no Node: the node counts as gone, and says what it waits for', async () => {
    await assert.rejects(ensureNodeMemory(kubeConfig, NEW), /no Node w1: waiting .* --without-node/);
    assert.ok(whyNodeIsGone('w1', nodeMemory, undefined));
  });

  it('is not made while the Node is being deleted', async () => {
    node = { metadata: { name: 'w1', uid: 'u1', deletionTimestamp: '2026-01-01T00:00:00Z' } };
    for (const needsNode of [true, false]) {
      await assert.rejects(ensureNodeMemory(kubeConfig, { ...NEW, needsNode }), /Node w1 is being deleted/);
    }
    assert.equal(nodeMemory, undefined);
  });

  it('without a Node is nobody’s, unless the lost one belonged to one', async () => {
    const owner = { apiVersion: 'v1', kind: 'Node', name: 'w1', uid: 'u0' };
    const lost = { metadata: { name: 'w1', ownerReferences: [owner] }, spec: {} };
    await assert.rejects(ensureNodeMemory(kubeConfig, { ...NEW, needsNode: false, lost }), /Node w1 is gone/);
    await ensureNodeMemory(kubeConfig, { ...NEW, needsNode: false });
    assert.deepEqual(nodeMemory?.metadata, { name: 'w1' });
  });

  it('that exists is left as it is, Node or not', async () => {
    nodeMemory = { metadata: { name: 'w1' }, spec: {} };
    await ensureNodeMemory(kubeConfig, NEW);
    assert.deepEqual(nodeMemory.spec, {});
  });
});
