/** `memhp replay` as its users run it before an upgrade. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { OperationRequest } from '../../src/contract/operations.ts';
import { NODE_MEMORIES } from '../../src/k8s/resource-kind.ts';
import { findRuns, readHistories } from '../../src/temporal/find-histories.ts';
import { eventually } from '../support/eventually.ts';
import { OperationStage } from '../support/operation-stage.ts';
import { REPOSITORY, runCommand, type CommandResult } from '../support/run-command.ts';
import { ScriptedNode } from '../support/scripted-node.ts';
import { sharedTemporal } from '../support/shared-temporal.ts';
import { StoredObjects } from '../support/stored-objects.ts';

const HISTORIES = path.join(REPOSITORY, 'test', 'histories');
const NODE = 'worker-1';

describe('memhp replay', function () {
  this.timeout(60_000);
  let stage: OperationStage;
  let address: string;
  let directory: string;

  before(async () => {
    ({ address } = await sharedTemporal());
    stage = await new OperationStage(new ScriptedNode(NODE)).open();
    directory = await mkdtemp(path.join(tmpdir(), 'memhp-replay-'));
  });
  after(async () => {
    await stage.close();
    await rm(directory, { recursive: true });
  });

  const replayIn = (env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<CommandResult> =>
    runCommand(['node', 'bin/memhp.mjs', 'replay', ...args], {
      env: { TEMPORAL_ADDRESS: address, MEMHP_CLUSTER_ID: stage.cluster, KUBECONFIG: '/nonexistent', ...env },
      signal: AbortSignal.timeout(20_000),
      capture: true,
    });
  const replay = (...args: readonly string[]): Promise<CommandResult> => replayIn({}, ...args);
  const offline = (blockId: number): OperationRequest => ({
    type: 'offline',
    input: { ...stage.base, blockId, offlineTimeoutMs: 30_000 },
  });

  it('replays what is under way and what has ended, and changes nothing', async () => {
    for (const blockId of [30, 31]) stage.node.states.set(blockId, 'online');
    await (await stage.start(offline(30))).result();
    const held = stage.node.holdAt('offline.commit');
    const open = await stage.start(offline(31));
    await held.reached;
    await eventually('both are visible', async () => {
      const query = `WorkflowId STARTS_WITH "${stage.cluster}/" AND WorkflowType = "offlineMemory"`;
      return (await stage.client.workflow.count(query)).count === 2;
    });
    const before = (await stage.client.workflow.getHandle(open.workflowId).describe()).historyLength;
    const { status, output } = await replay();
    assert.equal(status, 0, output);
    assert.match(output, /^nodeLocks +1 +0 +0$/m);
    assert.match(output, /^offlineMemory +1 +1 +0$/m);
    assert.equal((await stage.client.workflow.getHandle(open.workflowId).describe()).historyLength, before);
    const limited = await replay('--limit', '0');
    assert.match(limited.output, /^offlineMemory +1 +0 +0$/m);
    const cut = await replay('--open-limit', '0');
    assert.equal(cut.status, 2, cut.output);
    assert.match(cut.output, /more than 0 nodeLocks are open; --open-limit takes more/);
    held.letGo();
    await open.result();
  });

  it('takes exported histories, and needs no server for them', async () => {
    const files = (await readdir(HISTORIES)).filter((file) => file.endsWith('.json'));
    const { status, output } = await replay('--history', ...files.map((file) => path.join(HISTORIES, file)));
    assert.equal(status, 0, output);
    assert.ok(output.includes(`${String(files.length)} of ${String(files.length)} histories replay`), output);
  });

  it('fails for a history of another order, names the first event that differs and says what to do', async () => {
    interface Scheduled {
      readonly activityTaskScheduledEventAttributes?: { activityType: unknown };
    }
    const history = JSON.parse(await readFile(path.join(HISTORIES, 'onlineMemory.json'), 'utf8')) as {
      events: Scheduled[];
    };
    const [first, second] = history.events.flatMap((event) => event.activityTaskScheduledEventAttributes ?? []);
    assert.ok(first && second);
    [first.activityType, second.activityType] = [second.activityType, first.activityType];
    const file = path.join(directory, 'reordered.json');
    await writeFile(file, JSON.stringify(history));
    const { status, output } = await replay('--history', file, path.join(HISTORIES, 'offlineMemory.json'));
    assert.equal(status, 1, output);
    assert.match(output, /^onlineMemory +0 +1 +1$/m);
    assert.match(output, /^offlineMemory +0 +1 +0$/m);
    assert.match(output, /first event that differs: 6 activityTaskScheduled lookAgain/);
    assert.match(output, /Nondeterminism error/);
    assert.match(output, /Do not roll this version out now/);
  });

  it('tells failures from what cannot be found out', async () => {
    const file = path.join(directory, 'no-history.json');
    await writeFile(file, '{}');
    assert.equal((await replay('--history', file)).status, 2);
    assert.equal((await replay('--since', 'yesterday')).status, 2);
  });

  for (const [what, env, said] of [
    ['a server that is away', { TEMPORAL_ADDRESS: '127.0.0.1:1' }, /cannot be reached at 127.0.0.1:1/],
    ['a namespace that is not there', { TEMPORAL_NAMESPACE: 'nope' }, /Namespace not found: 'nope'/],
    [
      'a Kubernetes that is away, without --cluster-id',
      { MEMHP_CLUSTER_ID: '' },
      /cannot ask Kubernetes which cluster/,
    ],
  ] as const) {
    it(`ends, and says why, with ${what}`, async () => {
      const { status, output } = await replayIn(env);
      assert.equal(status, 2, output);
      assert.match(output, said);
    });
  }

  it('takes no workflows for a good answer only where Kubernetes agrees', async () => {
    const nothing = await replay('--cluster-id', 'nobody');
    assert.equal(nothing.status, 2, nothing.output);
    assert.match(nothing.output, /not compared with Kubernetes: .*\n.*may also mean that this is another namespace/);
    const query = await replay('--query', 'WorkflowId = "nobody"');
    assert.equal(query.status, 2, query.output);
  });

  it('refuses a namespace and a cluster id of which Kubernetes names lock workflows that are not there', async () => {
    const objects = await new StoredObjects().listen();
    const kubeconfig = path.join(directory, 'kubeconfig');
    await writeFile(kubeconfig, objects.kubeConfig.exportConfig());
    const status = (runId: string) => ({ driver: 'simulated', lockService: { epoch: 1, runId } });
    try {
      const fresh = await replay('--kubeconfig', kubeconfig, '--cluster-id', 'fresh');
      assert.deepEqual([fresh.status, fresh.output.includes('nothing is under way')], [0, true], fresh.output);

      const { runId } = await stage.client.workflow.getHandle(stage.lockEntityId).describe();
      objects.put(NODE_MEMORIES, { metadata: { name: NODE }, status: status(runId) });
      objects.put(NODE_MEMORIES, { metadata: { name: 'another' }, status: status(randomUUID()) });
      const right = await replay('--kubeconfig', kubeconfig);
      assert.equal(right.status, 0, right.output);
      assert.doesNotMatch(right.output, /not compared/);
      for (const [env, where] of [
        [
          { MEMHP_CLUSTER_ID: 'nobody' },
          /namespace default at \S+ knows none of the 2 lock workflows .* cluster nobody/,
        ],
        [
          { TEMPORAL_NAMESPACE: 'temporal-system' },
          /namespace temporal-system at \S+ knows none of the 2 lock workflows/,
        ],
      ] as const) {
        const wrong = await replayIn(env, '--kubeconfig', kubeconfig);
        assert.equal(wrong.status, 2, wrong.output);
        assert.match(wrong.output, where);
      }
    } finally {
      objects.close();
    }
  });

  it('leaves out runs that are gone meanwhile', async () => {
    const wanted = { cluster: stage.cluster, openLimit: 10, limit: 10 };
    const { runs } = await findRuns(stage.client, wanted);
    const gone = runs.slice(0, 1).map((run) => ({ ...run, runId: randomUUID() }));
    const read: string[] = [];
    for await (const { runId } of readHistories(stage.client, [...gone, ...runs])) read.push(runId);
    assert.ok(runs.length > 0);
    assert.deepEqual(
      read,
      runs.map(({ runId }) => runId),
    );
  });
});
