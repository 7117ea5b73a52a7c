/** What Linux 6.12 does with its memory notifier chain, one test per row of the conformance table. */
import assert from 'node:assert/strict';
import type { MemoryAction } from '../../src/kernel/memory-action.ts';
import {
  answerChain,
  beginChain,
  type ChainAnswer,
  type ChainEntry,
  chainVerdict,
  type ChainVerdict,
  nextNotifier,
  orderChain,
  registerNotifier,
  unregisterNotifier,
} from '../../src/kernel/notifier-chain.ts';

const HIGH = notifier('high', 100);
const MIDDLE = notifier('middle', 10);
const LOW = notifier('low', 0);
const CHAIN = [LOW, HIGH, MIDDLE];

describe('notifier chain conformance', () => {
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
    for (const errno of ['EBUSY', 'ENOMEM', 'EINVAL', 'EHWPOISON'] as const) {
      const { verdict } = walk('MEM_GOING_OFFLINE', { high: { result: 'NOTIFY_BAD', errno } });
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

  it('row 76: a second registration answers EEXIST, an unknown unregistration ENOENT', () => {
    assert.deepEqual(registerNotifier([HIGH, LOW], LOW), { ok: false, errno: 'EEXIST' });
    assert.deepEqual(unregisterNotifier([HIGH], LOW.name), { ok: false, errno: 'ENOENT' });
  });
});

function walk(
  action: MemoryAction,
  answers: Readonly<Record<string, ChainAnswer>>,
  chain: readonly ChainEntry[] = CHAIN,
): { called: readonly string[]; verdict: ChainVerdict } {
  let state = beginChain(action, chain);
  for (let asked = nextNotifier(state); asked; asked = nextNotifier(state)) {
    state = answerChain(state, { kind: 'answer', answer: answers[asked.name] ?? { result: 'NOTIFY_OK' } });
  }
  return { called: state.calls.map(({ name }) => name), verdict: chainVerdict(state) };
}

function notifier(name: string, priority: number): ChainEntry {
  return { name, priority, registeredAt: '2026-01-01T00:00:00Z', actions: [], failurePolicy: 'Fail' };
}
