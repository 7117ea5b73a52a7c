import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { createClusterReader } from '../../src/k8s/cluster-reader.ts';
import type { ClusterReader } from '../../src/plugins/cluster-reader.ts';

type Answer = (query: URLSearchParams) => object | undefined;

describe('cluster reader', () => {
  let server: Server;
  let reader: ClusterReader;
  let answers: Record<string, Answer>;

  before(async () => {
    server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
      const answer = answers[pathname]?.(searchParams);
      response.writeHead(answer ? 200 : 404, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(answer ?? { kind: 'Status', reason: 'NotFound', message: 'not found' }));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const kubeConfig = new KubeConfig();
    const cluster = { name: 'stub', server: `http://127.0.0.1:${String(port)}`, skipTLSVerify: true };
    kubeConfig.loadFromClusterAndUser(cluster, { name: 'nobody' });
    reader = createClusterReader(kubeConfig);
  });

  beforeEach(() => (answers = {}));

  after(() => {
    server.closeAllConnections();
    server.close();
  });

  it('reads capacity and allocatable of a Node in bytes', async () => {
    const status = { capacity: { memory: '8Gi' }, allocatable: { memory: '7Gi' } };
    answers['/api/v1/nodes/worker-1'] = () => ({ status });
    assert.deepEqual(await reader.node('worker-1'), {
      name: 'worker-1',
      capacityBytes: 2 ** 33,
      allocatableBytes: 7 * 2 ** 30,
    });
  });

  it('knows no Node where there is none, or none that has reported', async () => {
    answers['/api/v1/nodes/new'] = () => ({ status: {} });
    assert.equal(await reader.node('gone'), undefined);
    assert.equal(await reader.node('new'), undefined);
    assert.equal(await reader.nodeMemoryOnlineBytes('gone'), undefined);
  });

  it('asks for the live pods of that node only, page by page', async () => {
    const selectors = new Set<string | null>();
    answers['/api/v1/pods'] = (query) => {
      selectors.add(query.get('fieldSelector'));
      const page = Number(query.get('continue') ?? 0);
      const metadata = page < 2 ? { continue: String(page + 1) } : {};
      return {
        metadata,
        items: [{ metadata: { namespace: 'default', name: `p${String(page)}` }, spec: { containers: [] } }],
      };
    };
    const pods = await reader.podsOnNode('worker-1');
    assert.deepEqual(
      pods.map(({ name }) => name),
      ['p0', 'p1', 'p2'],
    );
    assert.deepEqual([...selectors], ['spec.nodeName=worker-1,status.phase!=Succeeded,status.phase!=Failed']);
  });

  it('gives up on a list that does not end', async () => {
    answers['/api/v1/pods'] = () => ({ metadata: { continue: 'more' }, items: [] });
    await assert.rejects(reader.podsOnNode('worker-1'), /more than 2000 pods/);
  });

  it('reads requests, sidecars, overhead, pod-level requests and resizes', async () => {
    const requests = (memory: string) => ({ resources: { requests: { memory } } });
    answers['/api/v1/pods'] = () => ({
      metadata: {},
      items: [
        {
          metadata: { namespace: 'shop', name: 'db-0' },
          spec: {
            containers: [{ name: 'db', ...requests('1Gi') }, { name: 'tail' }],
            initContainers: [
              { name: 'proxy', restartPolicy: 'Always', ...requests('64Mi') },
              { name: 'init', ...requests('1') },
            ],
            overhead: { memory: '10Mi' },
            ...requests('3Gi'),
          },
          status: { containerStatuses: [{ name: 'db', allocatedResources: { memory: '2Gi' }, ...requests('1536Mi') }] },
        },
      ],
    });
    assert.deepEqual(await reader.podsOnNode('worker-1'), [
      {
        namespace: 'shop',
        name: 'db-0',
        containers: [{ requestBytes: 2 ** 31 }, { requestBytes: 0 }],
        initContainers: [
          { requestBytes: 2 ** 26, isSidecar: true },
          { requestBytes: 1, isSidecar: false },
        ],
        overheadBytes: 10 * 2 ** 20,
        podRequestBytes: 3 * 2 ** 30,
      },
    ]);
  });

  it('counts blocks that are still going offline as online', async () => {
    const blocks = [
      { range: '0-6', state: 'online' },
      { range: '32', state: 'going-offline' },
      { range: '33-40', state: 'offline' },
    ];
    answers['/apis/memoryhotplug.io/v1alpha1/nodememories/worker-1'] = () => ({
      status: { blockSize: '128Mi', online: '896Mi', blocks },
    });
    assert.equal(await reader.nodeMemoryOnlineBytes('worker-1'), 8 * 2 ** 27);
  });

  it('falls back to the sum that the agent wrote', async () => {
    answers['/apis/memoryhotplug.io/v1alpha1/nodememories/worker-1'] = () => ({ status: { online: '4Gi' } });
    assert.equal(await reader.nodeMemoryOnlineBytes('worker-1'), 2 ** 32);
  });
});
