/** What `memhp restore` refuses, and what it ends; test/integration/restore.test.ts has the whole story. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NODE_MEMORIES } from '../../src/k8s/resource-kind.ts';
import type { LockServiceRecord } from '../../src/kernel/lock-epoch.ts';
import { readNodeMemory } from '../../src/operator/claim-lock-service.ts';
import { eventually } from '../support/eventually.ts';
import { OperationStage } from '../support/operation-stage.ts';
import { runCommand, type CommandResult } from '../support/run-command.ts';
import { ScriptedNode } from '../support/scripted-node.ts';
import { sharedTemporal } from '../support/shared-temporal.ts';
import { StoredObjects } from '../support/stored-objects.ts';

const NODE = 'worker-1';

describe('memhp restore', function () {
  this.timeout(60_000);
  let stage: OperationStage;
  let objects: StoredObjects;
  let directory: string;
  let address: string;
  let recorded: LockServiceRecord;

  before('a lock workflow runs, and Kubernetes names it', async () => {
    ({ address } = await sharedTemporal());
    stage = await new OperationStage(new ScriptedNode(NODE)).open();
    directory = await mkdtemp(path.join(tmpdir(), 'memhp-restore-'));
    objects = await new StoredObjects().listen();
    await writeFile(path.join(directory, 'kubeconfig'), objects.kubeConfig.exportConfig());
    await stage.startLockEntity({});
    recorded = await eventually('it has claimed', () => stage.lockService.records.get(NODE));
    objects.put(NODE_MEMORIES, { metadata: { name: NODE }, status: { driver: 'simulated', lockService: recorded } });
  });
  after(async () => {
    await stage.close();
    objects.close();
    await rm(directory, { recursive: true });
  });

  const restore = (
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    onOutput?: (output: string) => void,
  ): Promise<CommandResult> =>
    runCommand(['node', 'bin/memhp.mjs', 'restore', '--kubeconfig', path.join(directory, 'kubeconfig'), ...args], {
      env: { TEMPORAL_ADDRESS: address, MEMHP_CLUSTER_ID: stage.cluster, ...env },
      signal: AbortSignal.timeout(30_000),
      capture: true,
      ...(onOutput ? { onOutput } : {}),
    });
  const isRunning = async (): Promise<boolean> =>
    (await stage.client.workflow.getHandle(stage.lockEntityId).describe()).status.name === 'RUNNING';

  it('says where it would do what', async () => {
    const { status, output } = await restore([]);
    assert.equal(status, 0, output);
    assert.ok(output.includes(`Namespace default at ${address}, cluster ${stage.cluster}:\n1 nodes: `), output);
    assert.match(output, /1 open workflows are to be terminated[^]*nothing was changed; repeat with --yes/);
  });

  it('refuses where nothing of this cluster is found, and names where that is', async () => {
    for (const [env, where] of [
      [{ MEMHP_CLUSTER_ID: 'nobody' }, /namespace default knows none of the 1 lock workflows of cluster nobody/],
      [{ TEMPORAL_NAMESPACE: 'temporal-system' }, /namespace temporal-system knows none of the 1 lock workflows/],
    ] as const) {
      const { status, output } = await restore(['--yes'], env);
      assert.equal(status, 2, output);
      assert.match(output, where);
    }
    assert.deepEqual([objects.written, await isRunning()], [[], true]);
  });

  it('ends with 2 where it cannot ask', async () => {
    const { status, output } = await restore(['--yes'], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    assert.deepEqual([status, output.includes('cannot be reached at 127.0.0.1:1')], [2, true], output);
    const lost = await restore(['--kubeconfig', '/nonexistent']);
    assert.deepEqual([lost.status, lost.output.includes('cannot ask Kubernetes which nodes')], [2, true], lost.output);
    assert.doesNotMatch(lost.output, /no Kubernetes is needed/);
  });

  it('refuses while operators poll', async () => {
    stage.node.states.set(30, 'online');
    let isBusy = false;
    const refused = await restore(['--yes'], {}, (output) => {
      if (isBusy || !output.includes('polled not long ago')) return;
      isBusy = true;
      // Whoever polls gets work, and polls again.
      void stage.start({ type: 'offline', input: { ...stage.base, blockId: 30, offlineTimeoutMs: 30_000 } });
    });
    assert.equal(refused.status, 2, refused.output);
    assert.match(
      refused.output,
      /operators run \(.*scale deployment\/memhp-operator --replicas=0, wait until its pods/,
    );
    assert.deepEqual([objects.written, await isRunning()], [[], true]);
  });

  it('by --force it does not ask; it notes the loss, and ends what is open', async () => {
    const { status, output } = await restore(['--yes', '--force']);
    assert.equal(status, 0, output);
    assert.equal(await isRunning(), false);
    const { lockService } = (await readNodeMemory(objects.kubeConfig, NODE)).status ?? {};
    assert.deepEqual(lockService, { epoch: 2, runId: recorded.runId, isPredecessorLost: true });
  });
});
