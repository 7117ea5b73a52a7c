/** `memhp replay` as its users run it before an upgrade. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { OperationRequest } from '../../src/contract/operations.ts';
import { eventually } from '../support/eventually.ts';
import { OperationStage } from '../support/operation-stage.ts';
import { REPOSITORY, runCommand, type CommandResult } from '../support/run-command.ts';
import { ScriptedNode } from '../support/scripted-node.ts';
import { sharedTemporal } from '../support/shared-temporal.ts';

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

  const replay = (...args: readonly string[]): Promise<CommandResult> =>
    runCommand(['node', 'bin/memhp.mjs', 'replay', ...args], {
      env: { TEMPORAL_ADDRESS: address, MEMHP_CLUSTER_ID: stage.cluster, KUBECONFIG: '/nonexistent' },
      capture: true,
    });
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
    const nothing = await replay('--cluster-id', 'nobody');
    assert.deepEqual([nothing.status, nothing.output.includes('nothing is under way')], [0, true], nothing.output);
  });
});
