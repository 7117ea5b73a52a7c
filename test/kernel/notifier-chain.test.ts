import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ERRNO, type Errno } from '../../src/kernel/errno.ts';
import { isVetoable, MEMORY_ACTIONS, type MemoryAction } from '../../src/kernel/memory-action.ts';
import {
  answerChain,
  beginChain,
  chainVerdict,
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
  type ChainAnswer,
  type ChainEntry,
  type ChainReply,
  type ChainWalk,
} from '../../src/kernel/notifier-chain.ts';

interface Callback extends ChainEntry {
  readonly reply: ChainReply;
}

const errno = fc.constantFrom(...(Object.keys(ERRNO) as Errno[]));
const action = fc.constantFrom(...MEMORY_ACTIONS);
const answer: fc.Arbitrary<ChainAnswer> = fc.oneof(
  fc.record({ result: fc.constantFrom('NOTIFY_DONE', 'NOTIFY_OK', 'NOTIFY_STOP', 'NOTIFY_BAD') }),
  fc.record({ result: fc.constant('NOTIFY_BAD' as const), errno }),
);
const answered = answer.map((given): ChainReply => ({ kind: 'answer', answer: given }));
const failed = fc.boolean().map((timedOut): ChainReply => ({ kind: 'error', message: 'broke', timedOut }));

function chainOf(reply: fc.Arbitrary<ChainReply>): fc.Arbitrary<Callback[]> {
  const callback = fc.record({
    name: fc.string({ minLength: 1, maxLength: 3 }),
    priority: fc.integer({ min: -2, max: 2 }),
    registeredAt: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z', '2026-02-01T00:00:00Z'),
    actions: fc.uniqueArray(action, { maxLength: 3 }),
    failurePolicy: fc.constantFrom('Fail' as const, 'Ignore' as const),
    reply,
  });
  return fc.uniqueArray(callback, { maxLength: 8, selector: ({ name }) => name });
}

function walkToEnd(start: ChainWalk<Callback>): ChainWalk<Callback> {
  let walk = start;
  for (let asked = walk.remaining[0]; asked; asked = walk.remaining[0]) walk = answerChain(walk, asked.reply);
  return walk;
}

/** notifier_call_chain() as its loop stands in C: numbers only, the last value wins. */
function callChainInNumbers(values: readonly number[]): { calls: number; errno: number } {
  let value = 0;
  let calls = 0;
  for (const next of values) {
    value = next;
    calls++;
    if ((value & 0x8000) === 0x8000) break;
  }
  const code = value & 0x7fff;
  return { calls, errno: code > 1 ? 1 - code : 0 };
}

describe('notifier chain', () => {
  it('has the numbers of include/linux/notifier.h', () => {
    assert.deepEqual(
      [NOTIFY_DONE, NOTIFY_OK, NOTIFY_STOP_MASK, NOTIFY_BAD, NOTIFY_STOP],
      [0x0000, 0x0001, 0x8000, 0x8002, 0x8001],
    );
    assert.equal(notifierFromErrno(-ERRNO.ENOMEM), 0x800d);
    assert.equal(notifierFromErrno(-ERRNO.EBUSY), 0x8011);
    assert.equal(notifierFromErrno(-ERRNO.EPERM), NOTIFY_BAD);
    assert.equal(notifierFromErrno(0), NOTIFY_OK);
  });

  it('takes every errno there and back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -4095, max: 0 }), (number) => {
        assert.equal(notifierToErrno(notifierFromErrno(number)), number);
      }),
    );
  });

  it('keeps the quirk that a value above 1 without the stop bit is an errno too', () => {
    assert.equal(notifierToErrno(0x0005), -4);
  });

  it('orders any shuffle of a chain the same: priority, then age, then name', () => {
    const shuffled = chainOf(answered).chain((chain) =>
      fc.tuple(fc.constant(chain), fc.shuffledSubarray(chain, { minLength: chain.length })),
    );
    fc.assert(
      fc.property(shuffled, ([chain, other]) => {
        const ordered = orderChain(chain);
        assert.deepEqual(orderChain(other), ordered);
        for (const [at, later] of ordered.slice(1).entries()) {
          const earlier = ordered[at]!;
          const keys = [
            [-earlier.priority, -later.priority],
            [earlier.registeredAt, later.registeredAt],
            [earlier.name, later.name],
          ] as const;
          const [before, after] = keys.find(([a, b]) => a !== b)!;
          assert.ok(before < after, `${earlier.name} stands before ${later.name}`);
        }
      }),
    );
  });

  it('asks and fails as notifier_call_chain does, for every chain whose callbacks all answer', () => {
    fc.assert(
      fc.property(chainOf(answered), action, (chain, asked) => {
        const told = orderChain(chain).filter((one) => one.actions.length === 0 || one.actions.includes(asked));
        const values = told.map(({ reply }) => (reply.kind === 'answer' ? notifierValue(reply.answer) : 0));
        const expected = callChainInNumbers(values);
        const walk = walkToEnd(beginChain(asked, chain));
        const verdict = chainVerdict(walk);
        assert.deepEqual(
          walk.calls.map(({ name }) => name),
          told.slice(0, expected.calls).map(({ name }) => name),
        );
        const failure = isVetoable(asked) ? expected.errno : 0;
        assert.equal(verdict.kind === 'vetoed' ? -ERRNO[verdict.errno] : 0, failure);
        if (verdict.kind === 'vetoed') assert.equal(verdict.by, walk.calls.at(-1)?.name);
      }),
    );
  });

  it('lets a missing answer veto only a GOING action, and only where the policy is Fail', () => {
    fc.assert(
      fc.property(chainOf(failed), action, (chain, asked) => {
        const told = orderChain(chain).filter((one) => one.actions.length === 0 || one.actions.includes(asked));
        const vetoer = isVetoable(asked) ? told.findIndex(({ failurePolicy }) => failurePolicy === 'Fail') : -1;
        const walk = walkToEnd(beginChain(asked, chain));
        const verdict = chainVerdict(walk);
        assert.equal(walk.calls.length, vetoer === -1 ? told.length : vetoer + 1);
        assert.ok(walk.calls.every(({ result, reason }) => result === 'Error' && reason?.includes('broke')));
        assert.equal(verdict.kind, vetoer === -1 ? 'passed' : 'vetoed');
      }),
    );
  });

  it('tells a timeout from a crash by errno, in the verdict and in the record', () => {
    for (const [timedOut, expected] of [
      [true, 'ETIMEDOUT'],
      [false, 'EIO'],
    ] as const) {
      const walk = answerChain(beginChain('MEM_GOING_ONLINE', [entry('guard')]), {
        kind: 'error',
        message: 'timed out after 10 s',
        timedOut,
      });
      const verdict = chainVerdict(walk);
      assert.ok(verdict.kind === 'vetoed' && verdict.errno === expected);
      assert.match(verdict.reason, /failurePolicy Fail.*timed out after 10 s/);
      assert.equal(walk.calls[0]?.errno, expected);
    }
  });

  it('hands reason, retryAfterSeconds and outlook of the vetoer to the operation', () => {
    const veto = { errno: 'EBUSY', reason: 'busy', retryAfterSeconds: 7, outlook: 'Infeasible' } as const;
    const walk = answerChain(beginChain('MEM_GOING_OFFLINE', [entry('guard')]), {
      kind: 'answer',
      answer: { result: 'NOTIFY_BAD', ...veto },
    });
    assert.deepEqual(chainVerdict(walk), { kind: 'vetoed', by: 'guard', ...veto });
  });

  it('refuses an answer that nobody was asked for', () => {
    assert.throws(
      () => answerChain(beginChain('MEM_ONLINE', []), { kind: 'answer', answer: { result: 'NOTIFY_OK' } }),
      { name: 'RangeError', message: /MEM_ONLINE walk is over/ },
    );
  });

  it('registers into the order that orderChain gives, when registrations come in order of age', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -2, max: 2 }), { maxLength: 9 }), (priorities) => {
        const entries = priorities.map((priority, age) => ({ ...entry(`n${String(age)}`, priority), ...born(age) }));
        let chain: readonly ChainEntry[] = [];
        for (const one of entries) {
          const registered = registerNotifier(chain, one);
          assert.ok(registered.ok);
          chain = registered.chain;
        }
        assert.deepEqual(chain, orderChain(entries));
      }),
    );
  });

  it('unregisters what was registered and leaves the rest as it was', () => {
    fc.assert(
      fc.property(chainOf(answered), (chain) => {
        const ordered = orderChain(chain);
        const stranger = { ...entry('a stranger'), priority: 1 };
        const extended = registerNotifier<ChainEntry>(ordered, stranger);
        assert.ok(extended.ok);
        assert.deepEqual(unregisterNotifier(extended.chain, stranger.name), { ok: true, chain: ordered });
      }),
    );
  });
});

function entry(name: string, priority = 0): ChainEntry {
  const actions: readonly MemoryAction[] = [];
  return { name, priority, registeredAt: '2026-01-01T00:00:00Z', actions, failurePolicy: 'Fail' };
}

function born(age: number): Pick<ChainEntry, 'registeredAt'> {
  return { registeredAt: `2026-01-01T00:00:${String(age).padStart(2, '0')}Z` };
}
