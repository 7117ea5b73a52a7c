/** Operations are terminated at every point where that makes a difference; what they owe is delivered all the same. */
import assert from 'node:assert/strict';
import type { DeadOperation } from '../../src/contract/dead-operation.ts';
import { NODE, notifierOf } from '../support/block-fixtures.ts';
import { eventually } from '../support/eventually.ts';
import { storyOf } from '../support/history-story.ts';
import { RecoveryStage } from '../support/recovery-stage.ts';

/** Where an operation dies, how it is held there, and what that leaves. */
interface Death {
  readonly type: 'online' | 'offline';
  readonly at: string;
  readonly hold: (stage: RecoveryStage) => Promise<unknown>;
  readonly left: string;
  readonly owed: string;
}

const DEATHS: readonly Death[] = [
  {
    type: 'online',
    at: 'before MEM_GOING_ONLINE',
    hold: (stage) => stage.holdAtStep('online.prepare'),
    left: 'offline',
    owed: 'MEM_CANCEL_ONLINE',
  },
  {
    type: 'online',
    at: 'in MEM_GOING_ONLINE',
    hold: (stage) => stage.holdAtAction('MEM_GOING_ONLINE'),
    left: 'offline',
    owed: 'MEM_CANCEL_ONLINE',
  },
  {
    type: 'online',
    at: 'after the commit',
    hold: (stage) => stage.holdAtStep('online.commit'),
    left: 'online',
    owed: 'MEM_ONLINE',
  },
  {
    type: 'online',
    at: 'in MEM_ONLINE',
    hold: (stage) => stage.holdAtAction('MEM_ONLINE'),
    left: 'online',
    owed: 'MEM_ONLINE',
  },
  {
    type: 'online',
    at: 'before it gives its locks back',
    hold: (stage) => stage.holdAtStep('online.finish'),
    left: 'online',
    owed: 'MEM_ONLINE',
  },
  {
    type: 'online',
    at: 'before it writes its outcome',
    hold: (stage) => holdStatus(stage),
    left: 'online',
    owed: 'MEM_ONLINE',
  },
  {
    type: 'offline',
    at: 'in MEM_GOING_OFFLINE, isolated',
    hold: (stage) => stage.holdAtAction('MEM_GOING_OFFLINE'),
    left: 'online',
    owed: 'MEM_CANCEL_OFFLINE',
  },
  {
    type: 'offline',
    at: 'after the point of no return',
    hold: (stage) => stage.holdAtStep('offline.commit'),
    left: 'offline',
    owed: 'MEM_OFFLINE',
  },
  {
    type: 'offline',
    at: 'in MEM_CANCEL_OFFLINE',
    hold: (stage) => {
      stage.node.answers.set('offline.commit', { ok: false, errno: 'EBUSY', message: 'pinned' });
      return stage.holdAtAction('MEM_CANCEL_OFFLINE');
    },
    left: 'online',
    owed: 'MEM_CANCEL_OFFLINE',
  },
];

/** The locks have been given back by then; the object still names the run. */
function holdStatus(stage: RecoveryStage): Promise<unknown> {
  const gate = stage.gate();
  const write = stage.api.writeBlockStatus.bind(stage.api);
  stage.api.writeBlockStatus = async (block, status) => {
    if (status.lastOperation) {
      stage.api.writeBlockStatus = write;
      await gate.pass();
      return 'conflict';
    }
    return write(block, status);
  };
  return gate.reached;
}

describe('an operation that was terminated', function () {
  this.timeout(60_000);
  let stage: RecoveryStage;

  /** Each test has blocks of its own. */
  let nextBlockId = 30;

  before(async () => {
    stage = await new RecoveryStage().openQuickly();
  });
  afterEach(() => {
    stage.reset();
  });
  after(() => stage.close());

  function createBlock(towards: 'online' | 'offline'): number {
    const blockId = nextBlockId++;
    stage.createBlock(blockId, towards);
    return blockId;
  }

  async function assertAllFree(): Promise<void> {
    await eventually('all locks are free', async () => (await stage.lockTable()).locks.length === 0);
  }

  async function die({ type, hold }: Death): Promise<{ blockId: number; dead: DeadOperation }> {
    const blockId = createBlock(type);
    const held = hold(stage);
    await stage.operate(type, blockId);
    await held;
    const dead = await stage.kill(blockId);
    assert.ok(dead, 'its object says that notifiers may have been asked');
    stage.asked.length = 0;
    return { blockId, dead };
  }

  for (const death of DEATHS) {
    it(`${death.type}, ${death.at}: ${death.owed} to the whole chain, from the state that was left`, async () => {
      const { blockId, dead } = await die(death);
      const outcome = await (await stage.startRecovery(blockId, dead)).result();
      assert.deepEqual([outcome.type, outcome.result, outcome.state], [death.type, 'Unknown', death.left]);
      assert.deepEqual(
        stage.asked.map((event) => [event.action, event.blockId]),
        [
          [death.owed, blockId],
          [death.owed, blockId],
        ],
      );
      assert.equal(stage.node.states.get(blockId), death.left);
      const { operation, lastOperation, notifiers, fencingToken } = stage.block(blockId).status ?? {};
      assert.equal(operation, undefined);
      assert.deepEqual(
        [lastOperation?.type, lastOperation?.result, lastOperation?.runId],
        [death.type, 'Unknown', dead.runId],
      );
      const words = new RegExp(
        `run ${dead.runId} was closed \\(TERMINATED\\) .*memory${String(blockId)} is ${death.left}; ${death.owed} was told to first, second`,
      );
      assert.match(lastOperation?.message ?? '', words);
      assert.deepEqual(
        notifiers?.map(({ name, action }) => [name, action]),
        [
          ['first', death.owed],
          ['second', death.owed],
        ],
      );
      assert.equal(fencingToken, outcome.fencingToken);
      await assertAllFree();
    });
  }

  it('before its second look owes nothing, and its object says so', async () => {
    const held = stage.holdAtStep('offline.prepare');
    const holder = createBlock('offline');
    await stage.operate('offline', holder);
    await held;
    const waiting = createBlock('online');
    await stage.operate('online', waiting);
    await eventually('the online waits', async () =>
      (await stage.lockTable()).locks.some((lock) => lock.waiters.length),
    );
    assert.equal(await stage.kill(waiting), undefined);
    stage.reset();
    await eventually('the offline has ended', () => stage.block(holder).status?.lastOperation);
  });

  it('is recovered in the order of the kernel: the locks, what was left, the chain', async () => {
    const { blockId, dead } = await die(DEATHS[6]!);
    const { id, ...recovery } = await stage.startRecovery(blockId, dead);
    await recovery.result();
    const what = `memory${String(blockId)}`;
    const locks = `device_hotplug_lock, device_lock/${what}, mem_hotplug_lock`;
    assert.deepEqual(await storyOf(stage.client, id), [
      `take ${locks.replaceAll(', ', ' → ')}`,
      `granted ${locks}`,
      `what is owed by offline ${what}`,
      `settle what was left on ${NODE}`,
      `look at ${NODE}`,
      'MEM_CANCEL_OFFLINE → first, second',
      `release mem_hotplug_lock, device_lock/${what}, device_hotplug_lock`,
      `record Unknown in ${NODE}-${what}`,
    ]);
    const { tokens = {} } = stage.node.settlements.at(-1) ?? {};
    const [mine] = stage.asked;
    assert.deepEqual(
      Object.entries(tokens).map(([name, token]) => [name, token + 1]),
      Object.entries(mine?.tokens ?? {}),
      'all that was granted before is refused, and nothing else',
    );
    assert.equal(mine?.runId, dead.runId, 'plugins know the operation by its run');
    assert.equal(mine.uid, `${dead.runId}/${what}/MEM_CANCEL_OFFLINE/first`);
  });

  it('is recovered for the chain that is registered now, whatever its answers', async () => {
    const { blockId, dead } = await die(DEATHS[1]!);
    stage.registered = [notifierOf('newcomer')];
    stage.ask = () => ({ kind: 'answer', answer: { result: 'NOTIFY_BAD', reason: 'too late' } });
    const outcome = await (await stage.startRecovery(blockId, dead)).result();
    assert.deepEqual(
      outcome.notifiers.map(({ name, result }) => [name, result]),
      [['newcomer', 'NOTIFY_BAD']],
    );
    assert.equal(stage.block(blockId).status?.lastOperation?.result, 'Unknown');
  });

  it('owes nothing after a reboot', async () => {
    const { blockId, dead } = await die(DEATHS[1]!);
    stage.node.bootId = 'boot-2';
    const { message } = await (await stage.startRecovery(blockId, dead)).result();
    assert.match(message, /rebooted since, so that nothing is owed/);
    assert.deepEqual(stage.told, []);
    assert.equal(stage.block(blockId).status?.operation, undefined);
  });

  it('is recovered although its object is gone; nothing is recorded in another of that name', async () => {
    const { blockId, dead } = await die(DEATHS[2]!);
    const recovery = await stage.startRecovery(blockId, dead);
    const block = stage.block(blockId);
    stage.api.put({ ...block, metadata: { ...block.metadata, uid: 'another' } });
    await recovery.result();
    assert.deepEqual(stage.told, ['MEM_ONLINE', 'MEM_ONLINE']);
    assert.equal(stage.block(blockId).status?.lastOperation, undefined);
  });

  it('is recovered by another recovery when the first dies too', async () => {
    const { blockId, dead } = await die(DEATHS[1]!);
    const held = stage.holdAtAction('MEM_CANCEL_ONLINE');
    await stage.startRecovery(blockId, dead);
    await held;
    assert.deepEqual(await stage.kill(blockId), dead, 'the object still names the run that died first');
    await (await stage.startRecovery(blockId, dead)).result();
    assert.equal(stage.block(blockId).status?.lastOperation?.runId, dead.runId);
    await assertAllFree();
  });

  it('is recovered once: a recovery that comes late finds nothing to do', async () => {
    const { blockId, dead } = await die(DEATHS[1]!);
    await (await stage.startRecovery(blockId, dead)).result();
    const before = stage.block(blockId);
    stage.asked.length = 0;
    const { noop } = await (await stage.startRecovery(blockId, dead)).result();
    assert.equal(noop, true);
    assert.deepEqual(stage.told, []);
    assert.deepEqual(stage.block(blockId), before);
  });

  it('is recovered by whoever comes first: that delivers what is owed, then does its own work', async () => {
    const { blockId, dead } = await die(DEATHS[1]!);
    // Directly: without an object, as a person at a shell would.
    const run = await stage.start({ type: 'online', input: { ...stage.base, blockId, onlineType: 'online' } });
    const outcome = await run.result();
    assert.equal(outcome.result, 'Succeeded');
    assert.deepEqual(stage.told, [
      'MEM_CANCEL_ONLINE',
      'MEM_CANCEL_ONLINE',
      'MEM_GOING_ONLINE',
      'MEM_GOING_ONLINE',
      'MEM_ONLINE',
      'MEM_ONLINE',
    ]);
    assert.deepEqual(
      outcome.notifiers.map(({ action }) => action),
      ['MEM_GOING_ONLINE', 'MEM_GOING_ONLINE', 'MEM_ONLINE', 'MEM_ONLINE'],
      'the outcome is about its own chain',
    );
    const { operation, lastOperation } = stage.block(blockId).status ?? {};
    assert.deepEqual([operation, lastOperation?.runId, lastOperation?.result], [undefined, dead.runId, 'Unknown']);
    await assertAllFree();
  });

  it('is recovered by a remove, which takes the locks for it that it does not hold yet', async () => {
    const { blockId } = await die(DEATHS[1]!);
    const size = 128 * 2 ** 20;
    const range = { start: blockId * size, size };
    const run = await stage.start({ type: 'remove', input: { ...stage.base, range } });
    assert.equal((await run.result()).result, 'Succeeded');
    assert.deepEqual(stage.told, ['MEM_CANCEL_ONLINE', 'MEM_CANCEL_ONLINE']);
    const tokens = Object.keys(stage.asked[0]?.tokens ?? {});
    assert.deepEqual(tokens.sort(), [
      'device_hotplug_lock',
      `device_lock/memory${String(blockId)}`,
      'mem_hotplug_lock',
    ]);
    await assertAllFree();
  });
});
