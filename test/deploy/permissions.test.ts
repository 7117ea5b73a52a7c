/** What each caller may do, asked of a real API server with real tokens: RBAC first, then the admission policies on top of it. */
import assert from 'node:assert/strict';
import type { KubeConfig } from '@kubernetes/client-node';
import { LOCK_SERVICE_FIELD_MANAGER, memoryBlockName } from '../../src/contract/names.ts';
import { apiRequest, type ApiRequest } from '../../src/k8s/api-request.ts';
import { loadKubeConfig } from '../../src/k8s/kube-config.ts';
import { MEMORY_BLOCKS, MEMORY_NOTIFIERS, NODE_MEMORIES, type ResourceKind } from '../../src/k8s/resource-kind.ts';
import { eventually } from '../support/eventually.ts';
import { EVERYTHING, sharedInstalledCluster, type InstalledCluster } from '../support/installed-cluster.ts';
import { findWorkload, readManifests } from '../support/manifests.ts';

const NODES = ['worker-1', 'worker-2', 'sim-1'] as const;
type NodeName = (typeof NODES)[number];

const CONDITION = { reason: 'Test', message: '', observedGeneration: 1, lastTransitionTime: '2026-01-01T00:00:00Z' };
/** What an agent writes. */
const SEEN = { state: 'online', zone: 'Movable', bootId: 'b', blockSize: '128Mi', physicalAddress: '0x8000000' };
const SEEN_OF_NODE = {
  driver: 'sysfs',
  online: '1Gi',
  fencingEpoch: 2,
  conditions: [{ ...CONDITION, type: 'AgentReady', status: 'True' }],
};
/** What the operator has written into every block and NodeMemory before. */
const DONE = {
  observedGeneration: 1,
  fencingToken: 7,
  readyGeneration: 1,
  conditions: [{ ...CONDITION, type: 'Ready', status: 'True' }],
};
const DONE_OF_NODE = {
  lockService: { epoch: 3, runId: 'r' },
  conditions: [{ ...CONDITION, type: 'KubeletCapacityStale', status: 'False' }],
};

const CALLERS = [
  'operator',
  'agent of worker-1',
  'agent of worker-3',
  'agent without a pod',
  'agent with a legacy token',
  'simulated agent',
  'viewer',
  'editor',
  'restorer',
  'administrator',
] as const;
type Caller = (typeof CALLERS)[number];

/** A dry run: admission decides as always, and nothing changes. */
function status(kind: ResourceKind, name: string, written: object, fieldManager = 'memhp-agent'): ApiRequest {
  return {
    method: 'PATCH',
    path: `${kind.path}/${name}/status`,
    query: { fieldManager, force: 'true', dryRun: 'All' },
    contentType: 'application/apply-patch+yaml',
    body: { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name }, status: written },
  };
}

function blockStatus(node: NodeName, written: object = SEEN, fieldManager?: string): ApiRequest {
  return status(MEMORY_BLOCKS, memoryBlockName(node, 1), written, fieldManager);
}

function nodeStatus(node: NodeName, written: object = SEEN_OF_NODE, fieldManager?: string): ApiRequest {
  return status(NODE_MEMORIES, node, written, fieldManager);
}

/** As memhp restore does. */
function disowned(node: NodeName): ApiRequest {
  return nodeStatus(node, { lockService: { epoch: 4, runId: 'r' } }, LOCK_SERVICE_FIELD_MANAGER);
}

function createNodeMemory(name: string, more: { readonly metadata?: object; readonly spec?: object } = {}): ApiRequest {
  const { apiVersion, kind, path } = NODE_MEMORIES;
  const body = { apiVersion, kind, metadata: { name, ...more.metadata }, spec: more.spec ?? {} };
  return { method: 'POST', path, query: { dryRun: 'All' }, body };
}

function ownedBy(...names: readonly string[]): { metadata: object } {
  const owners = names.map((name, index) => {
    const uid = `11111111-1111-1111-1111-11111111111${String(index)}`;
    return { apiVersion: 'v1', kind: 'Node', name, uid };
  });
  return { metadata: { ownerReferences: owners } };
}

function createBlock(nodeName: string): ApiRequest {
  const { apiVersion, kind, path } = MEMORY_BLOCKS;
  const body = { apiVersion, kind, metadata: { name: memoryBlockName(nodeName, 9) }, spec: { nodeName, blockId: 9 } };
  return { method: 'POST', path, query: { dryRun: 'All' }, body };
}

function merge(path: string, body: object): ApiRequest {
  return { method: 'PATCH', path, query: { dryRun: 'All' }, contentType: 'application/merge-patch+json', body };
}

const BLOCK_1 = `${MEMORY_BLOCKS.path}/worker-1-memory1`;
const ALLOWED = undefined;
const NOT_GRANTED = /is forbidden: User ".+" cannot /;
const OTHERS_NODE = /the agent of worker-1 may not write objects of node (worker-2|sim-1|worker-3)/;
const NO_NODE = /the agent's token names no node/;
const NOT_SIMULATED = /simulated nodes are called sim-\*; worker-\d is not/;
const ONLY_THEY = /only memhp-operator and memhp-agent write a status/;
const OPERATORS_OF_BLOCK = /an agent writes state, zone, physicalAddress, blockSize and bootId only/;
const OPERATORS_OF_NODE = /are the operator's to write/;
const ONLY_LOCK_SERVICE = /memhp restore writes lockService only/;
const BARE = /without labels, annotations and finalizers/;
const OTHERS_OWNER = /belongs to the Node of its name, or to nothing/;

/** Who, what, and the refusal. */
const DECISIONS: readonly (readonly [Caller, string, ApiRequest, RegExp | undefined])[] = [
  ['agent of worker-3', 'creates the NodeMemory of its node', createNodeMemory('worker-3'), ALLOWED],
  ['agent of worker-1', 'creates that of another node', createNodeMemory('worker-3'), OTHERS_NODE],
  [
    'agent of worker-3',
    'brings the spec of its node back, and names its Node',
    createNodeMemory('worker-3', {
      ...ownedBy('worker-3'),
      spec: { minOnline: '1Gi', autoOnline: 'offline', discovery: 'Removable' },
    }),
    ALLOWED,
  ],
  [
    'agent of worker-3',
    'makes its node a simulated one',
    createNodeMemory('worker-3', { spec: { simulated: {} } }),
    /the agent of a real node creates no simulated one/,
  ],
  ...[
    { finalizers: ['example.com/stay'] },
    { annotations: { 'memoryhotplug.io/paused': 'true' } },
    { labels: { role: 'db' } },
  ].map(
    (metadata) =>
      [
        'agent of worker-3',
        `creates a NodeMemory with ${Object.keys(metadata).join()}`,
        createNodeMemory('worker-3', { metadata }),
        BARE,
      ] as const,
  ),
  [
    'agent of worker-3',
    "has its NodeMemory go with another's Node",
    createNodeMemory('worker-3', ownedBy('worker-1')),
    OTHERS_OWNER,
  ],
  [
    'agent of worker-3',
    'gives its NodeMemory two owners',
    createNodeMemory('worker-3', ownedBy('worker-3', 'worker-3')),
    OTHERS_OWNER,
  ],
  ['agent of worker-1', 'tells what it sees of its node', nodeStatus('worker-1'), ALLOWED],
  ['agent of worker-1', 'tells of another node', nodeStatus('worker-2'), OTHERS_NODE],
  ['agent of worker-1', 'tells of a simulated node', nodeStatus('sim-1'), OTHERS_NODE],
  ['agent of worker-1', 'tells what it sees of a block of its node', blockStatus('worker-1'), ALLOWED],
  ['agent of worker-1', 'tells of a block of another node', blockStatus('worker-2'), OTHERS_NODE],
  [
    'agent of worker-1',
    'lowers nothing, but writes a token',
    blockStatus('worker-1', { fencingToken: 8 }),
    OPERATORS_OF_BLOCK,
  ],
  [
    'agent of worker-1',
    'says that a block is Ready',
    blockStatus('worker-1', { conditions: [], readyGeneration: 2 }),
    OPERATORS_OF_BLOCK,
  ],
  [
    'agent of worker-1',
    "takes the operator's fields away in its name",
    blockStatus('worker-1', { fencingToken: 7 }, 'memhp-operator'),
    OPERATORS_OF_BLOCK,
  ],
  [
    'agent of worker-1',
    'moves the epoch of the lock service',
    nodeStatus('worker-1', { lockService: { epoch: 9, runId: 'x' } }),
    OPERATORS_OF_NODE,
  ],
  [
    'agent of worker-1',
    'judges the kubelet',
    nodeStatus('worker-1', { conditions: [{ ...DONE_OF_NODE.conditions[0], status: 'True' }] }),
    OPERATORS_OF_NODE,
  ],
  [
    'agent of worker-1',
    'writes the status of a MemoryNotifier',
    status(MEMORY_NOTIFIERS, 'guard', { target: 'x' }),
    NOT_GRANTED,
  ],
  ['agent of worker-1', 'changes what a block should be', merge(BLOCK_1, { spec: { state: 'offline' } }), NOT_GRANTED],
  ['agent of worker-1', 'creates a block', createBlock('worker-1'), NOT_GRANTED],
  [
    'agent of worker-1',
    'replaces a status as a whole',
    { ...merge(`${BLOCK_1}/status`, {}), method: 'PUT' },
    NOT_GRANTED,
  ],
  [
    'agent of worker-1',
    'lets its NodeMemory be deleted',
    { method: 'DELETE', path: `${NODE_MEMORIES.path}/worker-1` },
    NOT_GRANTED,
  ],

  ['agent without a pod', 'creates a NodeMemory', createNodeMemory('worker-1'), NO_NODE],
  ['agent without a pod', 'tells of a node', nodeStatus('worker-1'), NO_NODE],
  ['agent without a pod', 'tells of a block', blockStatus('worker-1'), NO_NODE],
  ['agent with a legacy token', 'creates a NodeMemory', createNodeMemory('worker-1'), NO_NODE],
  ['agent with a legacy token', 'tells of a node', nodeStatus('worker-1'), NO_NODE],

  [
    'simulated agent',
    'creates the NodeMemory of a simulated node',
    createNodeMemory('sim-2', { spec: { simulated: {} } }),
    ALLOWED,
  ],
  [
    'simulated agent',
    'has it go with a real Node',
    createNodeMemory('sim-2', { ...ownedBy('worker-1'), spec: { simulated: {} } }),
    OTHERS_OWNER,
  ],
  [
    'simulated agent',
    'creates it paused',
    createNodeMemory('sim-2', { metadata: { annotations: { 'memoryhotplug.io/paused': 'true' } } }),
    BARE,
  ],
  ['simulated agent', 'creates that of a node that is called otherwise', createNodeMemory('worker-3'), NOT_SIMULATED],
  ['simulated agent', 'tells of a simulated node', nodeStatus('sim-1'), ALLOWED],
  ['simulated agent', 'tells of the node that its own pod is on', nodeStatus('worker-1'), NOT_SIMULATED],
  ['simulated agent', 'tells of a block of a simulated node', blockStatus('sim-1'), ALLOWED],
  ['simulated agent', 'tells of a block of a real node', blockStatus('worker-2'), NOT_SIMULATED],
  ['simulated agent', 'writes a token', blockStatus('sim-1', { fencingToken: 8 }), OPERATORS_OF_BLOCK],

  [
    'operator',
    'writes what came of an operation',
    blockStatus('worker-2', { ...DONE, fencingToken: 8 }, 'memhp-operator'),
    ALLOWED,
  ],
  [
    'operator',
    'records the run of a lock service',
    nodeStatus('worker-2', { lockService: { epoch: 4, runId: 's' } }, 'memhp-lock-service'),
    ALLOWED,
  ],
  [
    'operator',
    'says whom a MemoryNotifier asks',
    status(MEMORY_NOTIFIERS, 'guard', { target: 'plugin' }, 'memhp-operator'),
    ALLOWED,
  ],
  [
    'operator',
    'sets a finalizer',
    merge(BLOCK_1, { metadata: { finalizers: ['memoryhotplug.io/memory-block'] } }),
    ALLOWED,
  ],
  ['operator', 'creates a block that was discovered', createBlock('worker-1'), ALLOWED],
  ['operator', 'creates a NodeMemory', createNodeMemory('worker-3'), NOT_GRANTED],
  ['operator', 'deletes a block', { method: 'DELETE', path: BLOCK_1 }, NOT_GRANTED],

  ['viewer', 'looks at blocks', { method: 'GET', path: MEMORY_BLOCKS.path }, ALLOWED],
  ['viewer', 'changes what a block should be', merge(BLOCK_1, { spec: { state: 'offline' } }), NOT_GRANTED],
  ['editor', 'changes what a block should be', merge(BLOCK_1, { spec: { state: 'offline' } }), ALLOWED],
  ['editor', 'creates a block', createBlock('worker-2'), ALLOWED],
  ['editor', 'writes the status of a block', blockStatus('worker-1'), NOT_GRANTED],
  ['editor', 'writes the status of a node', nodeStatus('worker-1'), NOT_GRANTED],
  [
    'editor',
    'lowers the floor of a node',
    merge(`${NODE_MEMORIES.path}/worker-1`, { spec: { minOnline: '1Mi' } }),
    NOT_GRANTED,
  ],
  ['editor', 'takes a notifier away', { method: 'DELETE', path: `${MEMORY_NOTIFIERS.path}/guard` }, NOT_GRANTED],
  ['restorer', 'disowns a lock service', disowned('worker-1'), ALLOWED],
  ['restorer', 'writes any other status of a node', nodeStatus('worker-1'), ONLY_THEY],
  [
    'restorer',
    'does so under the name of memhp restore',
    nodeStatus('worker-1', SEEN_OF_NODE, LOCK_SERVICE_FIELD_MANAGER),
    ONLY_LOCK_SERVICE,
  ],
  [
    'restorer',
    'changes what the agent said, and disowns a lock service with it',
    {
      ...merge(`${NODE_MEMORIES.path}/worker-1/status`, {
        status: { online: '999Gi', lockService: { epoch: 4, runId: 'r' } },
      }),
      query: { fieldManager: LOCK_SERVICE_FIELD_MANAGER, dryRun: 'All' },
    },
    ONLY_LOCK_SERVICE,
  ],
  [
    'restorer',
    'takes the conditions of a node away',
    {
      ...merge(`${NODE_MEMORIES.path}/worker-1/status`, { status: { conditions: null } }),
      query: { fieldManager: LOCK_SERVICE_FIELD_MANAGER, dryRun: 'All' },
    },
    ONLY_LOCK_SERVICE,
  ],
  ['restorer', 'writes the status of a block', blockStatus('worker-1'), NOT_GRANTED],
  ['administrator', 'disowns a lock service', disowned('worker-1'), ALLOWED],
  ['administrator', 'does the same to a block', blockStatus('worker-1', SEEN, 'memhp-lock-service'), ONLY_THEY],
  ['agent of worker-1', 'disowns a lock service', disowned('worker-1'), OPERATORS_OF_NODE],
  ['administrator', 'writes the status of a block', blockStatus('worker-1'), ONLY_THEY],
  ['administrator', 'writes the status of a node', nodeStatus('worker-1'), ONLY_THEY],
  ['administrator', 'writes the status of a notifier', status(MEMORY_NOTIFIERS, 'guard', { target: 'x' }), ONLY_THEY],
  [
    'administrator',
    'sets the floor of a node',
    merge(`${NODE_MEMORIES.path}/worker-1`, { spec: { minOnline: '1Gi' } }),
    ALLOWED,
  ],
  ['administrator', 'lets go of a stuck deletion', merge(BLOCK_1, { metadata: { finalizers: null } }), ALLOWED],
];

describe('permissions', function () {
  this.timeout(60_000);
  let cluster: InstalledCluster;
  const callers = new Map<Caller, KubeConfig>();

  before(async () => {
    cluster = await sharedInstalledCluster();
    for (const node of [...NODES, 'worker-3']) await cluster.addNode(node);
    await enrol(cluster, callers);
    await furnish(cluster, callers.get('administrator')!, callers.get('operator')!);
  });

  for (const [caller, what, request, refusal] of DECISIONS) {
    it(`${caller} ${what}: ${refusal ? 'refused' : 'allowed'}`, async () => {
      const asked = apiRequest(callers.get(caller)!, request);
      if (refusal === undefined) await asked;
      else
        await assert.rejects(
          asked,
          (error: Error & { code: number }) => error.code === 403 && refusal.test(error.message),
        );
    });
  }
});

/** Everybody gets credentials as they would in life. */
async function enrol(cluster: InstalledCluster, callers: Map<Caller, KubeConfig>): Promise<void> {
  const manifests = await readManifests(cluster.kubectl, EVERYTHING);
  const person = async (name: string): Promise<string> => {
    const role = `memhp-${name === 'restorer' ? 'restore' : name.slice(0, 4)}`;
    await cluster.kubectl.succeed(['create', 'clusterrolebinding', name, `--clusterrole=${role}`, `--user=${name}`]);
    return cluster.controlPlane.addUser(name);
  };
  const kubeconfigs: Record<Caller, Promise<string>> = {
    operator: cluster.asPodOf(findWorkload(manifests, 'memhp-operator'), 'worker-1'),
    'agent of worker-1': cluster.asPodOf(findWorkload(manifests, 'memhp-agent'), 'worker-1'),
    'agent of worker-3': cluster.asPodOf(findWorkload(manifests, 'memhp-agent'), 'worker-3'),
    'agent without a pod': cluster.asServiceAccount('memhp-agent'),
    'agent with a legacy token': cluster.asLegacyToken('memhp-agent'),
    'simulated agent': cluster.asPodOf(findWorkload(manifests, 'memhp-simulated-agent'), 'worker-1'),
    viewer: person('viewer'),
    editor: person('editor'),
    restorer: person('restorer'),
    administrator: Promise.resolve(cluster.controlPlane.kubeconfig),
  };
  for (const caller of CALLERS) callers.set(caller, loadKubeConfig({ kubeconfig: await kubeconfigs[caller] }));
}

/** Objects to write to, with what the operator has written before. */
async function furnish(cluster: InstalledCluster, administrator: KubeConfig, operator: KubeConfig): Promise<void> {
  const { apiVersion } = MEMORY_BLOCKS;
  const objects = NODES.flatMap((name) => [
    { apiVersion, kind: 'NodeMemory', metadata: { name }, spec: {} },
    {
      apiVersion,
      kind: 'MemoryBlock',
      metadata: { name: memoryBlockName(name, 1) },
      spec: { nodeName: name, blockId: 1 },
    },
  ]);
  const guard = {
    apiVersion,
    kind: 'MemoryNotifier',
    metadata: { name: 'guard' },
    spec: { plugin: { name: 'capacity-guard' } },
  };
  for (const object of [...objects, guard]) await cluster.kubectl.succeed(['apply', '-f', '-'], object);
  for (const node of NODES) {
    for (const { query, ...request } of [
      blockStatus(node, DONE, 'memhp-operator'),
      nodeStatus(node, DONE_OF_NODE, 'memhp-operator'),
    ]) {
      await apiRequest(operator, { ...request, query: { ...query, dryRun: undefined } });
    }
  }
  await eventually('the policies are in force', async () => {
    await assert.rejects(apiRequest(administrator, blockStatus('worker-1')), ONLY_THEY);
    return true;
  });
}
