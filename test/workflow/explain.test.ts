/** `memhp explain`: everybody is asked, nothing is taken and nothing is done. */
import assert from 'node:assert/strict';
import { objectionsIn, type ExplainInput, type ExplainGoal, type Explanation } from '../../src/contract/explain.ts';
import { explainWorkflowId } from '../../src/contract/names.ts';
import type { MemoryNotify, NotifierReply } from '../../src/contract/notifier.ts';
import { startExplain } from '../../src/temporal/start-explain.ts';
import { OperationStage, registered, type Running } from '../support/operation-stage.ts';
import { ScriptedNode } from '../support/scripted-node.ts';
import { sharedTemporal } from '../support/shared-temporal.ts';

const NODE = 'worker-1';
const veto = (reason: string): NotifierReply => ({
  kind: 'answer',
  answer: { result: 'NOTIFY_BAD', errno: 'EBUSY', reason, retryAfterSeconds: 30 },
});
const answer = (result: 'NOTIFY_OK' | 'NOTIFY_STOP'): NotifierReply => ({ kind: 'answer', answer: { result } });

/** Without what differs from run to run. */
function aboutTheBlock(event: MemoryNotify): object {
  return { ...event, uid: '', workflowId: '', runId: '', deadline: '', tokens: {}, dryRun: false };
}

async function succeed(running: Running): Promise<Running> {
  assert.equal((await running.result()).result, 'Succeeded');
  return running;
}

describe('workflow explainOperation', function () {
  this.timeout(30_000);
  let stage: OperationStage;
  let session = 0;

  before(async () => {
    stage = await new OperationStage(new ScriptedNode(NODE, { 30: 'offline', 31: 'online' })).open({
      withoutAgent: true,
    });
  });
  beforeEach(() => {
    stage.asked.length = 0;
    stage.notifiers = ['first', 'second', 'third'].map((name, index) => registered(name, { priority: 9 - index }));
  });
  after(() => stage.close());

  const ask = (input: Partial<ExplainInput>): ReturnType<typeof startExplain> =>
    startExplain(
      stage.client,
      String(session++),
      { cluster: stage.cluster, node: NODE, blockId: 31, to: 'offline', ...input },
      10_000,
    );

  async function explain(blockId: number, to: ExplainGoal): Promise<Explanation> {
    const explained = await ask({ blockId, to });
    assert.ok(explained.kind === 'explained', JSON.stringify(explained));
    return explained;
  }

  it('asks everybody, those behind a veto too, with dryRun and without tokens', async () => {
    stage.ask = ({ name }) => (name === 'third' ? answer('NOTIFY_OK') : veto(`${name} says no`));
    const explained = await explain(31, 'offline');
    assert.deepEqual(
      explained.operations.map(({ type }) => type),
      ['offline'],
    );
    assert.deepEqual(
      explained.operations[0]?.calls?.map(({ name, isVeto, behind, errno, reason, retryAfterSeconds }) => [
        name,
        isVeto,
        behind,
        errno,
        reason,
        retryAfterSeconds,
      ]),
      [
        ['first', true, undefined, 'EBUSY', 'first says no', 30],
        ['second', true, 'first', 'EBUSY', 'second says no', 30],
        ['third', false, 'first', undefined, undefined, undefined],
      ],
    );
    assert.deepEqual(
      stage.asked.map(({ notifier, action, dryRun, tokens }) => [notifier, action, dryRun, tokens]),
      ['first', 'second', 'third'].map((name) => [name, 'MEM_GOING_OFFLINE', true, {}]),
    );
  });

  it('tells a veto behind NOTIFY_STOP apart from an objection', async () => {
    stage.ask = ({ name }) => (name === 'first' ? answer('NOTIFY_STOP') : veto('never asked'));
    const explained = await explain(31, 'offline');
    assert.deepEqual(
      explained.operations[0]?.calls?.map(({ isVeto, behind }) => [isVeto, behind]),
      [
        [false, undefined],
        [true, 'first'],
        [true, 'first'],
      ],
    );
    assert.deepEqual(objectionsIn(explained), []);
  });

  describe('beside real operations', () => {
    before(() => stage.startAgent());
    beforeEach(() => (stage.ask = () => answer('NOTIFY_OK')));

    it('tells each plugin the same as an operation does, under a run of its own', async () => {
      await explain(30, 'online_movable');
      const dry = stage.asked.splice(0);
      const online = { blockId: 30, onlineType: 'online_movable' } as const;
      const { workflowId } = await succeed(await stage.start({ type: 'online', input: { ...stage.base, ...online } }));
      const real = stage.asked.filter(({ action }) => action === 'MEM_GOING_ONLINE');
      assert.deepEqual(dry.map(aboutTheBlock), real.map(aboutTheBlock));
      assert.ok(dry.every((event) => event.workflowId.startsWith(`${stage.cluster}/explain/${NODE}/30/`)));
      assert.ok(real.every((event) => event.workflowId === workflowId));
      assert.equal(new Set([...dry, ...real].map(({ uid }) => uid)).size, 6, 'no dry call is taken for a real one');
    });

    it('takes no lock and does no step, while an operation of the same block holds all its locks', async () => {
      const held = stage.node.holdAt('offline.commit');
      const request = { ...stage.base, blockId: 31, offlineTimeoutMs: 30_000 };
      const running = await stage.start({ type: 'offline', input: request });
      await held.reached;
      const [locks, steps] = [await stage.lockTable(), stage.node.steps];
      await explain(31, 'offline');
      assert.deepEqual(await stage.lockTable(), locks);
      assert.deepEqual(stage.node.steps, steps);
      assert.deepEqual(stage.outcomes, []);
      held.letGo();
      await running.result();
    });
  });

  it('says what it does not know', async () => {
    assert.deepEqual((await ask({ node: 'worker-9' })).kind, 'unknown');
    assert.deepEqual((await ask({ blockId: 99, to: 'absent' })).kind, 'unknown');
  });

  it('withdraws a question that no operator takes', async () => {
    const { client } = await sharedTemporal();
    const input: ExplainInput = { cluster: `${stage.cluster}-unserved`, node: NODE, blockId: 31, to: 'offline' };
    assert.deepEqual(await startExplain(client, 'x', input, 300), { kind: 'silent' });
    const handle = client.workflow.getHandle(explainWorkflowId(input.cluster, NODE, 31, 'x'));
    assert.equal((await handle.describe()).status.name, 'TERMINATED');
  });
});
