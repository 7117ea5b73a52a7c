/** The controller's reads and writes on a real API server: two field managers, versions, conflicts, events. */
import assert from 'node:assert/strict';
import type { KubeConfig } from '@kubernetes/client-node';
import { AGENT_FIELD_MANAGER, OPERATOR_FIELD_MANAGER } from '../../src/contract/names.ts';
import type { MemoryBlock, MemoryBlockStatus, MemoryNotifier } from '../../src/contract/resources.ts';
import type { Cluster } from '../../src/controller/cluster.ts';
import { blockEvent } from '../../src/controller/event-of.ts';
import { notifierConditions } from '../../src/controller/notifier-conditions.ts';
import { summarize } from '../../src/controller/summarize.ts';
import { ApiError } from '../../src/k8s/api-error.ts';
import { applyStatus } from '../../src/k8s/apply-status.ts';
import { loadKubeConfig } from '../../src/k8s/kube-config.ts';
import { createKubernetesCluster } from '../../src/k8s/kubernetes-cluster.ts';
import { ResourceClient } from '../../src/k8s/resource-client.ts';
import { MEMORY_BLOCKS, MEMORY_NOTIFIERS } from '../../src/k8s/resource-kind.ts';
import { SelfHealingInformer } from '../../src/k8s/self-healing-informer.ts';
import { lastCallWriter } from '../../src/operator/last-calls.ts';
import { sharedControlPlane, type TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { leaveOut } from '../../src/controller/leave-out.ts';

const NODE = 'cluster-test';
const NAME = `${NODE}-memory32`;
const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const manifest = {
  apiVersion: MEMORY_BLOCKS.apiVersion,
  kind: 'MemoryBlock',
  metadata: { name: NAME },
  spec: { nodeName: NODE, blockId: 32, state: 'online' },
};

describe('the Kubernetes adapter on a real API server', function () {
  this.timeout(60_000);
  let plane: TestControlPlane;
  let kubeConfig: KubeConfig;
  let cluster: Cluster;

  async function read(): Promise<MemoryBlock> {
    const block = await cluster.readBlock(NAME);
    assert.ok(block);
    return block;
  }

  function settled(block: MemoryBlock): MemoryBlockStatus {
    const action = { kind: 'settled', reason: 'Settled', message: 'the block is online' } as const;
    return summarize({ block, action, nowMs: Date.parse('2026-01-01T12:00:00Z') });
  }

  before(async () => {
    plane = await sharedControlPlane();
    kubeConfig = loadKubeConfig({ kubeconfig: plane.kubeconfig });
    cluster = createKubernetesCluster({ kubeConfig, instance: 'test', log: SILENT });
  });

  beforeEach(async () => {
    await plane.kubectl.succeed(['apply', '-f', '-'], JSON.stringify(manifest));
  });

  afterEach(async () => {
    await plane.kubectl.succeed(['delete', 'mb', NAME, '--ignore-not-found']);
  });

  it('writes its own fields and leaves those of the agent, and removes what it no longer applies', async () => {
    const agent = { kind: MEMORY_BLOCKS, name: NAME, fieldManager: AGENT_FIELD_MANAGER };
    await applyStatus(kubeConfig, {
      ...agent,
      status: { state: 'online', zone: 'Normal', blockSize: '128Mi', bootId: 'boot-1' },
    });
    const operation = { type: 'online', workflowId: 'w', runId: 'r', startTime: '2026-01-01T12:00:00Z' } as const;
    const first = await read();
    assert.equal(await cluster.writeBlockStatus(first, { ...settled(first), operation, fencingToken: 7 }), 'written');
    const second = await read();
    assert.equal(second.status?.operation?.runId, 'r');
    assert.equal(second.status.state, 'online');
    assert.equal(await cluster.writeBlockStatus(second, leaveOut(settled(second), 'operation')), 'written');
    const third = await read();
    assert.equal(third.status?.operation, undefined);
    assert.equal(third.status?.zone, 'Normal');
    assert.equal(third.status.readyGeneration, third.metadata.generation);
  });

  it('writes nothing when nothing changed', async () => {
    const block = await read();
    await cluster.writeBlockStatus(block, settled(block));
    const written = await read();
    await cluster.writeBlockStatus(written, settled(written));
    assert.equal((await read()).metadata.resourceVersion, written.metadata.resourceVersion);
  });

  it('answers conflict for an object that has changed, and gone for one that is not there', async () => {
    const stale = await read();
    await plane.kubectl.succeed(['label', 'mb', NAME, 'changed=yes']);
    assert.equal(await cluster.writeBlockStatus(stale, settled(stale)), 'conflict');
    assert.equal(await cluster.writeFinalizers(stale, ['memoryhotplug.io/memory-block']), 'conflict');
    await plane.kubectl.succeed(['delete', 'mb', NAME]);
    assert.equal(await cluster.writeBlockStatus(stale, settled(stale)), 'gone');
    assert.equal(await cluster.readBlock(NAME), undefined);
  });

  it('is refused a token that falls', async () => {
    const block = await read();
    await cluster.writeBlockStatus(block, { ...settled(block), fencingToken: 7 });
    const written = await read();
    const refusal = (error: unknown): boolean => error instanceof ApiError && error.code === 422 && !error.isTransient;
    await assert.rejects(cluster.writeBlockStatus(written, { ...settled(written), fencingToken: 6 }), refusal);
    await assert.rejects(cluster.writeBlockStatus(written, leaveOut(settled(written), 'fencingToken')), refusal);
  });

  it('lets kubectl wait for Ready, but not for one from before an edit', async () => {
    const block = await read();
    await cluster.writeBlockStatus(block, settled(block));
    await plane.kubectl.succeed(['wait', `mb/${NAME}`, '--for=condition=Ready', '--timeout=10s']);
    await plane.kubectl.succeed(['patch', 'mb', NAME, '--type=merge', '-p', '{"spec":{"state":"offline"}}']);
    await assert.rejects(plane.kubectl.succeed(['wait', `mb/${NAME}`, '--for=condition=Ready', '--timeout=1s']));
  });

  it('holds a deletion by its finalizer until that is dropped', async () => {
    await cluster.writeFinalizers(await read(), ['memoryhotplug.io/memory-block']);
    await plane.kubectl.succeed(['delete', 'mb', NAME, '--wait=false']);
    const block = await read();
    assert.ok(block.metadata.deletionTimestamp);
    assert.equal(await cluster.writeFinalizers(block, []), 'written');
    assert.equal(await cluster.readBlock(NAME), undefined);
  });

  it('tells an event once, however often it is recorded', async () => {
    const block = await read();
    const event = blockEvent(block, 'Vetoed', `vetoed by guard: ${'ü'.repeat(1024)}`, 'online');
    await cluster.recordEvent(block, event);
    await cluster.recordEvent(block, event);
    const args = ['get', 'events', '-n', 'default', '--field-selector', `involvedObject.name=${NAME},reason=Vetoed`];
    const names = await plane.kubectl.succeed([...args, '-o', 'name']);
    assert.match(names.trim(), /^event\S+$/);
  });

  it("writes a notifier's last call beside what the controller says of it, and creates no notifier to do so", async () => {
    const write = lastCallWriter(kubeConfig);
    const call = {
      time: '2026-01-01T12:00:00.123Z',
      action: 'MEM_ONLINE',
      result: 'Error',
      node: NODE,
      blockId: 32,
    } as const;
    const notifiers = new ResourceClient<MemoryNotifier>(kubeConfig, MEMORY_NOTIFIERS, OPERATOR_FIELD_MANAGER);
    await write(NODE, call);
    assert.equal(await notifiers.get(NODE), undefined);
    const spec = { plugin: { name: 'capacity-guard' } };
    const { apiVersion, kind } = MEMORY_NOTIFIERS;
    await plane.kubectl.succeed(
      ['apply', '-f', '-'],
      JSON.stringify({ apiVersion, kind, metadata: { name: NODE }, spec }),
    );
    try {
      await write(NODE, { ...call, result: 'NOTIFY_BAD', errno: 'EBUSY', reason: 'ü'.repeat(1024) });
      const conditions = notifierConditions((await notifiers.get(NODE))!, undefined, Date.now());
      await cluster.writeNotifierStatus((await notifiers.get(NODE))!, { target: 'capacity-guard', conditions });
      await write(NODE, call);
      const status = (await notifiers.get(NODE))?.status;
      assert.deepEqual(
        status,
        { target: 'capacity-guard', conditions, lastCall: call },
        'and no errno of an older call',
      );
    } finally {
      await plane.kubectl.succeed(['delete', `mnot/${NODE}`]);
    }
  });

  it('sees the CRD in place', async () => {
    assert.equal(await cluster.isCrdTerminating(), false);
  });

  it('is followed by an informer', async () => {
    const informer = new SelfHealingInformer<MemoryBlock>({ kubeConfig, kind: MEMORY_BLOCKS });
    informer.start();
    try {
      await informer.whenSynced();
      assert.equal(informer.get(NAME)?.spec.blockId, 32);
      await plane.kubectl.succeed(['label', 'mb', NAME, 'seen=yes', '--overwrite']);
      await eventually('the label arrives', () => informer.get(NAME)?.metadata.labels?.['seen'] === 'yes');
    } finally {
      await informer.stop();
    }
  });
});
