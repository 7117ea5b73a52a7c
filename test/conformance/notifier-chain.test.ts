/** What Linux 6.12 does with its memory notifier chain, one test per row of the conformance table. */
import assert from 'node:assert/strict';
import { parseAnswer } from '../../src/contract/notifier-answer.ts';
import type { SimulatedBlocks } from '../../src/contract/resources.ts';
import type { SimulatedDriver } from '../../src/drivers/simulated/simulated-driver.ts';
import { ERRNO, type Errno } from '../../src/kernel/errno.ts';
import type { MemoryAction } from '../../src/kernel/memory-action.ts';
import {
  answerChain,
  beginChain,
  type ChainAnswer,
  type ChainEntry,
  chainVerdict,
  type ChainVerdict,
  NOTIFY_BAD,
  NOTIFY_DONE,
  NOTIFY_OK,
  NOTIFY_STOP,
  NOTIFY_STOP_MASK,
  notifierFromErrno,
  notifierToErrno,
  notifierValue,
  orderChain,
  registerNotifier,
  unregisterNotifier,
} from '../../src/kernel/notifier-chain.ts';
import { OperationRun } from '../support/driver-run.ts';
import { startSimulatedNode } from '../support/simulated-driver.ts';

const HIGH = notifier('high', 100);
const MIDDLE = notifier('middle', 10);
const LOW = notifier('low', 0);
const CHAIN = [LOW, HIGH, MIDDLE];

describe('notifier chain conformance', () => {
  it('the values are those of include/linux/notifier.h', () => {
    assert.deepEqual(
      { NOTIFY_DONE, NOTIFY_OK, NOTIFY_STOP_MASK, NOTIFY_BAD, NOTIFY_STOP },
      { NOTIFY_DONE: 0x0000, NOTIFY_OK: 0x0001, NOTIFY_STOP_MASK: 0x8000, NOTIFY_BAD: 0x8002, NOTIFY_STOP: 0x8001 },
    );
    assert.deepEqual([0, -1, -12, -16].map(notifierFromErrno), [0x0001, 0x8002, 0x800d, 0x8011]);
    assert.deepEqual([0x0000, 0x0001, 0x8001, 0x8002, 0x800d].map(notifierToErrno), [0, 0, 0, -1, -12]);
    const results = ['NOTIFY_DONE', 'NOTIFY_OK', 'NOTIFY_STOP', 'NOTIFY_BAD'] as const;
    assert.deepEqual(
      results.map((result) => notifierValue({ result })),
      [0x0000, 0x0001, 0x8001, 0x8002],
    );
    assert.equal(notifierValue({ result: 'NOTIFY_BAD', errno: 'EBUSY' }), 0x8011);
  });

  it('the quirk: 0x0005 has no stop bit, and is -4 all the same where it is the last value', () => {
    assert.equal(0x0005 & NOTIFY_STOP_MASK, 0);
    assert.equal(notifierToErrno(0x0005), -4);
  });

  it('row 67: callbacks are called by priority, equals in registration order', () => {
    const younger = { ...notifier('a-younger', 10), registeredAt: '2026-01-02T00:00:00Z' };
    assert.deepEqual(orderChain([younger, ...CHAIN]), [HIGH, MIDDLE, younger, LOW]);
    assert.deepEqual(walk('MEM_ONLINE', {}, [younger, ...CHAIN]).called, ['high', 'middle', 'a-younger', 'low']);
  });

  it('row 68: NOTIFY_BAD to a GOING action fails with EPERM and lower priorities are not called', () => {
    for (const action of ['MEM_GOING_ONLINE', 'MEM_GOING_OFFLINE'] as const) {
      const { called, verdict } = walk(action, { middle: { result: 'NOTIFY_BAD' } });
      assert.deepEqual(called, ['high', 'middle']);
      assert.ok(verdict.kind === 'vetoed' && verdict.errno === 'EPERM' && verdict.by === 'middle');
    }
  });

  it('row 69: notifier_from_errno(-X) fails with exactly X', () => {
    for (const errno of Object.keys(ERRNO) as Errno[]) {
      const reply = parseAnswer({ result: 'NOTIFY_BAD', errno });
      assert.ok(reply.kind === 'answer');
      const { verdict } = walk('MEM_GOING_OFFLINE', { high: reply.answer });
      assert.ok(verdict.kind === 'vetoed' && verdict.errno === errno);
    }
  });

  it('row 70: NOTIFY_STOP to a GOING action ends the walk and the operation proceeds', () => {
    const { called, verdict } = walk('MEM_GOING_OFFLINE', { high: { result: 'NOTIFY_STOP' } });
    assert.deepEqual(called, ['high']);
    assert.deepEqual(verdict, { kind: 'passed' });
  });

  it('row 71: after a veto CANCEL reaches the acceptor, the vetoer and the one never called, from the head', () => {
    assert.deepEqual(walk('MEM_GOING_ONLINE', { middle: { result: 'NOTIFY_BAD' } }).called, ['high', 'middle']);
    assert.deepEqual(walk('MEM_CANCEL_ONLINE', {}).called, ['high', 'middle', 'low']);
  });

  it('row 72: a stop value to CANCEL keeps it from later ones and fails nothing', () => {
    for (const stop of [{ result: 'NOTIFY_STOP' }, { result: 'NOTIFY_BAD', errno: 'EBUSY' }] as const) {
      const { called, verdict } = walk('MEM_CANCEL_OFFLINE', { middle: stop });
      assert.deepEqual(called, ['high', 'middle']);
      assert.deepEqual(verdict, { kind: 'passed' });
    }
  });

  it('row 73: NOTIFY_BAD to MEM_ONLINE or MEM_OFFLINE does not fail the operation', () => {
    for (const action of ['MEM_ONLINE', 'MEM_OFFLINE'] as const) {
      const { called, verdict } = walk(action, { high: { result: 'NOTIFY_BAD', errno: 'EIO' } });
      assert.deepEqual(called, ['high']);
      assert.deepEqual(verdict, { kind: 'passed' });
    }
  });

  it('row 74: a vetoed online leaves the block offline and in no zone, the counters as before', async () => {
    await withBlock({ range: '40', state: 'offline' }, async (driver) => {
      const before = await driver.inspect([40]);
      const run = new OperationRun(driver, 1, { operation: 'online', blockId: 40, bootId: before.bootId });
      assert.ok((await run.step('prepare', { onlineType: 'online' })).ok);
      assert.equal(walk('MEM_GOING_ONLINE', { middle: { result: 'NOTIFY_BAD' } }).verdict.kind, 'vetoed');
      for (const step of ['abort', 'finish'] as const) assert.ok((await run.step(step)).ok, step);
      assert.deepEqual(await driver.inspect([40]), before);
      const [{ state, zone } = {}] = before.blocks;
      assert.deepEqual([state, zone], ['offline', undefined]);
    });
  });

  it('row 75: a vetoed offline leaves the block online and its pages allocatable', async () => {
    await withBlock({ range: '40', state: 'online', zone: 'Movable' }, async (driver) => {
      const before = await driver.inspect([40]);
      const parts = { operation: 'offline', blockId: 40, bootId: before.bootId } as const;
      const vetoed = new OperationRun(driver, 1, parts);
      assert.ok((await vetoed.step('prepare')).ok);
      assert.equal((await driver.inspect([40])).blocks[0]?.state, 'going-offline');
      assert.equal(walk('MEM_GOING_OFFLINE', { low: { result: 'NOTIFY_BAD' } }).verdict.kind, 'vetoed');
      for (const step of ['abort', 'finish'] as const) assert.ok((await vetoed.step(step)).ok, step);
      assert.deepEqual(await driver.inspect([40]), before);
      assert.equal((await vetoed.step('commit')).ok, false, 'what was isolated is given back');
      assert.ok((await new OperationRun(driver, 2, parts).step('prepare')).ok, 'and can be isolated anew');
    });
  });

  it('row 76: a second registration answers EEXIST, an unknown unregistration ENOENT', () => {
    assert.deepEqual(registerNotifier([HIGH, LOW], LOW), { ok: false, errno: 'EEXIST' });
    assert.deepEqual(unregisterNotifier([HIGH], LOW.name), { ok: false, errno: 'ENOENT' });
  });
});

async function withBlock(block: SimulatedBlocks, act: (driver: SimulatedDriver) => Promise<void>): Promise<void> {
  const node = startSimulatedNode({ blocks: [{ range: '0-7', state: 'online', zone: 'Normal' }, block] });
  try {
    await act(node.driver);
  } finally {
    await node.remove();
  }
}

function walk(
  action: MemoryAction,
  answers: Readonly<Record<string, ChainAnswer>>,
  chain: readonly ChainEntry[] = CHAIN,
): { called: readonly string[]; verdict: ChainVerdict } {
  let state = beginChain(action, chain);
  for (let asked = state.remaining[0]; asked; asked = state.remaining[0]) {
    state = answerChain(state, { kind: 'answer', answer: answers[asked.name] ?? { result: 'NOTIFY_OK' } });
  }
  return { called: state.calls.map(({ name }) => name), verdict: chainVerdict(state) };
}

function notifier(name: string, priority: number): ChainEntry {
  return { name, priority, registeredAt: '2026-01-01T00:00:00Z', actions: [], failurePolicy: 'Fail' };
}
