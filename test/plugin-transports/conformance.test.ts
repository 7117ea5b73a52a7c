/**
 * What Linux 6.12 does with its memory notifier chain, one test per row of the conformance table, through everything:
 * registered with kubectl, walked by an operation of the operator, seen in the status and on the node.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MemoryBlockStatus, NodeMemoryStatus } from '../../src/contract/resources.ts';
import type { ChainAnswer } from '../../src/kernel/notifier-chain.ts';
import { assertLocksFree } from '../support/ended-once.ts';
import { eventually } from '../support/eventually.ts';
import { openOperatorStage, type OperatorStage } from '../support/operator-stage.ts';
import { readCalls, type PluginScript } from '../support/plugin-script.ts';

const NODE = 'conformance';
/** Blocks 4-11 can be taken offline, 16-31 can be brought online: one operation each, without an add before. */
const LAYOUT = {
  blocks: [
    { range: '0-3', state: 'online', zone: 'Normal' },
    { range: '4-11', state: 'online', zone: 'Movable' },
    { range: '16-31', state: 'offline' },
  ],
} as const;
/** Far enough for the test to look at the block before it is tried again. */
const LATER = { retryAfterSeconds: 3600 };
const EPERM: ChainAnswer = { result: 'NOTIFY_BAD', ...LATER };
const EBUSY: ChainAnswer = { ...EPERM, errno: 'EBUSY' };
const PRIORITIES = { high: 100, middle: 10, low: 0 };

/** Answers of the three notifiers of a row; those that are not named agree to everything. */
type Answers = Readonly<Partial<Record<keyof typeof PRIORITIES, PluginScript>>>;

describe('notifier chain conformance, through the operator', function () {
  this.timeout(30_000);
  let stage: OperatorStage;
  let directory: string;
  const registered: string[] = [];

  const callsFile = (row: string): string => path.join(directory, `${row}.jsonl`);
  /** Registers the scripted plugin for the blocks of one row. */
  const register = (row: string, name: string, priority: number, script: PluginScript = {}): Promise<string> => {
    registered.push(`${row}-${name}`);
    return stage.applyNotifier(`${row}-${name}`, {
      priority,
      blockSelector: { matchLabels: { row } },
      plugin: { name: 'scripted', config: { calls: callsFile(row), script } },
    });
  };
  const registerThree = (row: string, answers: Answers): Promise<readonly string[]> =>
    Promise.all(
      Object.entries(PRIORITIES).map(([name, priority]) =>
        register(row, name, priority, answers[name as keyof typeof PRIORITIES]),
      ),
    );
  /** Who of a row was told what about a block, in order: `high MEM_ONLINE`. */
  const told = (row: string, blockId: number): readonly string[] =>
    readCalls(callsFile(row))
      .filter((call) => call.blockId === blockId)
      .map(({ notifier, action }) => `${notifier.slice(row.length + 1)} ${action}`);
  /** The status after the first operation on a block that is wanted to be so. */
  const operate = async (row: string, blockId: number, state: 'online' | 'offline'): Promise<MemoryBlockStatus> => {
    const name = await stage.applyBlock({ nodeName: NODE, blockId, state, labels: { row } });
    return stage.untilBlock(name, 'its operation has ended', ({ status }) => status?.lastOperation !== undefined);
  };
  const outcome = ({ lastOperation, state }: MemoryBlockStatus): readonly unknown[] => [
    lastOperation?.type,
    lastOperation?.result,
    lastOperation?.errno,
    state,
  ];

  before(async function () {
    this.timeout(60_000);
    stage = await openOperatorStage();
    directory = await mkdtemp(path.join(tmpdir(), 'memhp-conformance-'));
    await stage.createNode(NODE, { simulated: LAYOUT });
  });
  after(async () => {
    await stage.deleteNode(NODE);
    await stage.kubectl.succeed(['delete', '--ignore-not-found', 'mnot', ...registered]);
    await rm(directory, { recursive: true, force: true });
  });

  it('row 67: callbacks are called by priority, equals in registration order', async () => {
    const row = 'row67';
    await register(row, 'older', 10);
    await Promise.all([register(row, 'low', 0), register(row, 'high', 100)]);
    const registeredAt = async (name: string): Promise<number> =>
      Date.parse(await stage.kubectl.succeed(['get', `mnot/${name}`, '-o=jsonpath={.metadata.creationTimestamp}']));
    const olderMs = await registeredAt(`${row}-older`);
    // The API server keeps whole seconds. The younger one's name comes first, so that the name cannot be what decides.
    await eventually('another second has begun', () => Date.now() >= olderMs + 1000);
    await register(row, 'a-younger', 10);
    assert.ok((await registeredAt(`${row}-a-younger`)) > olderMs);
    assert.deepEqual(outcome(await operate(row, 16, 'online')), ['online', 'Succeeded', undefined, 'online']);
    const order = ['high', 'older', 'a-younger', 'low'];
    const expected = ['MEM_GOING_ONLINE', 'MEM_ONLINE'].flatMap((action) => order.map((name) => `${name} ${action}`));
    assert.deepEqual(told(row, 16), expected);
  });

  it('row 68: NOTIFY_BAD to a GOING action fails with EPERM and lower priorities are not called', async () => {
    const row = 'row68';
    await registerThree(row, { middle: { MEM_GOING_ONLINE: EPERM, MEM_GOING_OFFLINE: EPERM } });
    const [online, offline] = await Promise.all([operate(row, 17, 'online'), operate(row, 4, 'offline')]);
    assert.deepEqual(outcome(online), ['online', 'Vetoed', 'EPERM', 'offline']);
    assert.deepEqual(outcome(offline), ['offline', 'Vetoed', 'EPERM', 'online']);
    assert.match(online.lastOperation!.message, /vetoed by row68-middle at MEM_GOING_ONLINE \(EPERM\)/);
    const going = (blockId: number): readonly string[] => told(row, blockId).filter((call) => call.includes('GOING'));
    assert.deepEqual(going(17), ['high MEM_GOING_ONLINE', 'middle MEM_GOING_ONLINE']);
    assert.deepEqual(going(4), ['high MEM_GOING_OFFLINE', 'middle MEM_GOING_OFFLINE']);
  });

  it('row 69: notifier_from_errno(-X) fails with exactly X', async () => {
    const row = 'row69';
    await registerThree(row, {
      high: { MEM_GOING_ONLINE: { ...EPERM, errno: 'ENOMEM' } },
      low: { MEM_GOING_OFFLINE: { ...EPERM, errno: 'EROFS' } },
    });
    const [online, offline] = await Promise.all([operate(row, 18, 'online'), operate(row, 5, 'offline')]);
    assert.deepEqual(outcome(online), ['online', 'Vetoed', 'ENOMEM', 'offline']);
    assert.deepEqual(outcome(offline), ['offline', 'Vetoed', 'EROFS', 'online']);
  });

  it('row 70: NOTIFY_STOP to a GOING action keeps it from lower priorities, and the operation proceeds', async () => {
    const row = 'row70';
    const stop = { result: 'NOTIFY_STOP' } as const;
    await registerThree(row, { middle: { MEM_GOING_ONLINE: stop, MEM_GOING_OFFLINE: stop } });
    const [online, offline] = await Promise.all([operate(row, 19, 'online'), operate(row, 6, 'offline')]);
    assert.deepEqual(outcome(online), ['online', 'Succeeded', undefined, 'online']);
    assert.deepEqual(outcome(offline), ['offline', 'Succeeded', undefined, 'offline']);
    const expected = (word: string): readonly string[] => [
      ...['high', 'middle'].map((name) => `${name} MEM_GOING_${word}`),
      ...['high', 'middle', 'low'].map((name) => `${name} MEM_${word}`),
    ];
    assert.deepEqual(told(row, 19), expected('ONLINE'));
    assert.deepEqual(told(row, 6), expected('OFFLINE'));
  });

  it('row 71: after a veto CANCEL reaches the acceptor, the vetoer and the one never called, from the head', async () => {
    const row = 'row71';
    await registerThree(row, { middle: { MEM_GOING_ONLINE: EBUSY, MEM_GOING_OFFLINE: EBUSY } });
    const [online, offline] = await Promise.all([operate(row, 20, 'online'), operate(row, 7, 'offline')]);
    const expected = (word: string): readonly string[] => [
      ...['high', 'middle'].map((name) => `${name} MEM_GOING_${word}`),
      ...['high', 'middle', 'low'].map((name) => `${name} MEM_CANCEL_${word}`),
    ];
    assert.deepEqual(told(row, 20), expected('ONLINE'));
    assert.deepEqual(told(row, 7), expected('OFFLINE'));
    const seen = ({ notifiers }: MemoryBlockStatus): readonly string[] =>
      (notifiers ?? []).map(({ name, action }) => `${name.slice(row.length + 1)} ${action}`);
    assert.deepEqual(seen(online), expected('ONLINE'), 'and the status says so');
    assert.deepEqual(seen(offline), expected('OFFLINE'), 'and the status says so');
  });

  it('row 72: a stop value to CANCEL keeps it from later ones and leaves the errno as it is', async () => {
    const row = 'row72';
    await registerThree(row, {
      high: { MEM_CANCEL_ONLINE: { result: 'NOTIFY_STOP' }, MEM_CANCEL_OFFLINE: { ...EPERM, errno: 'EIO' } },
      low: { MEM_GOING_ONLINE: EBUSY, MEM_GOING_OFFLINE: EBUSY },
    });
    const [online, offline] = await Promise.all([operate(row, 21, 'online'), operate(row, 8, 'offline')]);
    assert.deepEqual(outcome(online), ['online', 'Vetoed', 'EBUSY', 'offline']);
    assert.deepEqual(outcome(offline), ['offline', 'Vetoed', 'EBUSY', 'online']);
    for (const blockId of [21, 8]) {
      const [, , , ...cancelled] = told(row, blockId);
      assert.deepEqual(
        cancelled.map((call) => call.replace(/_(ONLINE|OFFLINE)$/, '')),
        ['high MEM_CANCEL'],
      );
    }
  });

  it('row 73: NOTIFY_BAD to MEM_ONLINE or MEM_OFFLINE does not fail the operation', async () => {
    const row = 'row73';
    await registerThree(row, { middle: { MEM_ONLINE: EBUSY, MEM_OFFLINE: EPERM } });
    const [online, offline] = await Promise.all([operate(row, 22, 'online'), operate(row, 9, 'offline')]);
    assert.deepEqual(outcome(online), ['online', 'Succeeded', undefined, 'online']);
    assert.deepEqual(outcome(offline), ['offline', 'Succeeded', undefined, 'offline']);
    assert.deepEqual(told(row, 22).slice(-2), ['high MEM_ONLINE', 'middle MEM_ONLINE'], 'it ended the walk');
    assert.deepEqual(told(row, 9).slice(-2), ['high MEM_OFFLINE', 'middle MEM_OFFLINE'], 'it ended the walk');
    assert.equal(online.notifiers?.at(-1)?.errno, 'EBUSY', 'it is recorded');
  });

  /** What users see of the node's memory, and what the node itself knows. */
  const memory = async (blockId: number): Promise<unknown> => {
    const { online, offline, blocks }: NodeMemoryStatus = (await stage.node(NODE))?.status ?? {};
    const [state, effects] = await Promise.all([stage.nodeState(NODE), stage.effectsOf(NODE, blockId)]);
    return { online, offline, blocks, device: state.blocks[blockId], effects };
  };

  /** What the driver did to a block in an operation, step by step. */
  const stepsOf = async ({ lastOperation }: MemoryBlockStatus): Promise<readonly string[]> =>
    (await stage.nodeState(NODE)).journal
      .filter(({ runId, blockId }) => runId === lastOperation?.runId && blockId !== undefined)
      .map(({ step }) => step);

  it('row 74: a vetoed online leaves the block offline and in no zone, the counters and the locks as before', async () => {
    const row = 'row74';
    await registerThree(row, { middle: { MEM_GOING_ONLINE: EBUSY } });
    const before = await memory(23);
    const status = await operate(row, 23, 'online');
    assert.deepEqual(outcome(status), ['online', 'Vetoed', 'EBUSY', 'offline']);
    assert.equal(status.zone, undefined);
    assert.deepEqual(await memory(23), before);
    assert.deepEqual(await stepsOf(status), ['prepare', 'abort', 'finish']);
    await assertLocksFree(stage, NODE);
  });

  it('row 75: a vetoed offline leaves the block online, in its zone and with its pages in use', async () => {
    const row = 'row75';
    await registerThree(row, { low: { MEM_GOING_OFFLINE: EBUSY } });
    const before = await memory(10);
    const status = await operate(row, 10, 'offline');
    assert.deepEqual(outcome(status), ['offline', 'Vetoed', 'EBUSY', 'online']);
    assert.equal(status.zone, 'Movable');
    assert.deepEqual(await memory(10), before);
    assert.deepEqual(await stepsOf(status), ['prepare', 'abort', 'finish'], 'what was isolated was given back');
    await assertLocksFree(stage, NODE);
  });
});
