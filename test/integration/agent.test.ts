/** The agent against a real API server and Temporal: what it publishes, and when. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Registry } from 'prom-client';
import { runAgent } from '../../src/agent/agent.ts';
import { simulatedNodes } from '../../src/agent/simulated-nodes.ts';
import type { MemoryBlock, NodeMemory } from '../../src/contract/resources.ts';
import { loadKubeConfig } from '../../src/k8s/kube-config.ts';
import { Readiness } from '../../src/process/readiness.ts';
import { sharedControlPlane, type TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { sharedTemporal } from '../support/shared-temporal.ts';
import { SILENT_LOGGER } from '../support/simulated-driver.ts';

const NODE = 'agent-node';
const BLOCK = `${NODE}-memory7`;
const MANIFEST = `apiVersion: memoryhotplug.io/v1alpha1
kind: MemoryBlock
metadata: { name: ${BLOCK} }
spec: { nodeName: ${NODE}, blockId: 7 }
`;

describe('agent', function () {
  this.timeout(90_000);
  let plane: TestControlPlane;
  let stateDirectory: string;
  let agent: { readonly stopping: AbortController; readonly done: Promise<void> } | undefined;

  const get = async <T>(kind: string, name: string): Promise<T> =>
    JSON.parse(await plane.kubectl.succeed(['get', kind, name, '-o', 'json'])) as T;
  const ready = async (): Promise<string | undefined> =>
    (await get<NodeMemory>('nmem', NODE)).status?.conditions?.find(({ type }) => type === 'AgentReady')?.reason;
  const start = (node = NODE): void => {
    const stopping = new AbortController();
    const kubeConfig = loadKubeConfig({ kubeconfig: plane.kubeconfig });
    const observed = {
      logger: SILENT_LOGGER,
      metrics: new Registry(),
      readiness: new Readiness(),
      fail: assert.ifError,
    };
    const source = simulatedNodes([node]);
    const done = runAgent({ kubeConfig, stateDirectory, source, ...observed }, stopping.signal);
    agent = { stopping, done };
  };
  const stop = async (): Promise<void> => {
    agent?.stopping.abort();
    await agent?.done;
    agent = undefined;
  };

  before(async () => {
    const temporal = await sharedTemporal();
    process.env['TEMPORAL_ADDRESS'] = temporal.address;
    plane = await sharedControlPlane();
    stateDirectory = await mkdtemp(path.join(tmpdir(), 'memhp-agent-'));
  });
  after(async () => {
    await stop();
    delete process.env['TEMPORAL_ADDRESS'];
    await plane.kubectl.succeed(['delete', `mb/${BLOCK}`, `nmem/${NODE}`, '--wait=false', '--ignore-not-found']);
    await rm(stateDirectory, { recursive: true, force: true });
  });

  it('creates the NodeMemory that it was told to serve and fills its status', async () => {
    start();
    await eventually('the agent serves', async () => (await ready()) === 'Serving');
    const { status } = await get<NodeMemory>('nmem', NODE);
    assert.deepEqual(status?.blocks, [
      { range: '0', state: 'online', zone: 'none' },
      { range: '1-7', state: 'online', zone: 'DMA32' },
    ]);
    assert.deepEqual([status.driver, status.online, status.offline], ['simulated', '1Gi', '0']);
  });

  it('gives a new MemoryBlock its state, and follows a change behind the operator', async () => {
    await plane.kubectl.succeed(['apply', '-f', '-'], MANIFEST);
    const stateOf = async (): Promise<string | undefined> => (await get<MemoryBlock>('mb', BLOCK)).status?.state;
    await eventually('the block is online', async () => (await stateOf()) === 'online');
    await writeFile(path.join(stateDirectory, NODE, 'by-hand', 'memory7'), 'offline\n');
    await eventually('the block is offline', async () => (await stateOf()) === 'offline');
    const { status } = await get<MemoryBlock>('mb', BLOCK);
    assert.equal(status?.zone, undefined, 'an offline block has no zone');
  });

  it('says when it stops, and after a restart finds all as it was, with no needless write', async () => {
    await stop();
    assert.equal(await ready(), 'Stopped');
    const before = (await get<MemoryBlock>('mb', BLOCK)).metadata.resourceVersion;
    start();
    await eventually('the agent serves again', async () => (await ready()) === 'Serving');
    assert.equal((await get<MemoryBlock>('mb', BLOCK)).metadata.resourceVersion, before);
  });

  it('creates its NodeMemory again when that is deleted; one that belonged to a Node, only with the Node', async () => {
    await stop();
    const owned = 'agent-owned-node';
    const createNode = async (): Promise<string> => {
      const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: owned } };
      const created = await plane.kubectl.succeed(['create', '-f', '-', '-o', 'json'], node);
      return (JSON.parse(created) as { metadata: { uid: string } }).metadata.uid;
    };
    const ownedBy = async (uid: string): Promise<boolean> =>
      (await get<NodeMemory>('nmem', owned)).metadata.ownerReferences?.[0]?.uid === uid;

    const first = await createNode();
    start(owned);
    await eventually('the NodeMemory belongs to the Node', () => ownedBy(first));
    await plane.kubectl.succeed(['delete', 'node', owned]);
    await plane.kubectl.succeed(['delete', 'nmem', owned]);
    const second = await createNode();
    await eventually('the NodeMemory belongs to the new Node', () => ownedBy(second));
    await stop();
    await plane.kubectl.succeed(['delete', `node/${owned}`, `nmem/${owned}`, '--wait=false']);
  });
});
