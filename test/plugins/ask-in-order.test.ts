import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CallPluginsInput } from '../../src/contract/activities.ts';
import {
  NOT_ASKED,
  NOTIFIER_API_VERSION,
  type MemoryNotify,
  type NotifierReply,
  type RegisteredNotifier,
  type WalkNotify,
} from '../../src/contract/notifier.ts';
import { answerChain, beginChain, type ChainAnswer } from '../../src/kernel/notifier-chain.ts';
import { MEMORY_ACTIONS } from '../../src/kernel/memory-action.ts';
import { askInOrder, type Clock } from '../../src/plugins/ask-in-order.ts';
import { memoryNotify, registeredNotifier } from '../support/notifier-call.ts';
import { leaveOut } from '../../src/controller/leave-out.ts';

const START_MS = Date.parse('2026-01-01T00:00:00Z');
const WALK_MS = 60_000;
const OK: NotifierReply = { kind: 'answer', answer: { result: 'NOTIFY_OK' } };
const VETO: NotifierReply = { kind: 'answer', answer: { result: 'NOTIFY_BAD', errno: 'EBUSY' } };
const CRASH: NotifierReply = { kind: 'error', message: 'crashed' };

function walkOf(action: WalkNotify['action'] = 'MEM_GOING_OFFLINE'): WalkNotify {
  return leaveOut(memoryNotify({ action }), 'uid', 'notifier', 'deadline');
}

function inputOf(notifiers: readonly RegisteredNotifier[], action?: WalkNotify['action']): CallPluginsInput {
  return { notifiers, walk: walkOf(action), leftMs: WALK_MS };
}

/** Named for its place; each of lower priority than the one before. */
function chainOf(...given: readonly Partial<RegisteredNotifier>[]): readonly RegisteredNotifier[] {
  return given.map((more, at) =>
    registeredNotifier({ name: 'p', config: {} }, { name: `n${String(at)}`, priority: -at, ...more }),
  );
}

/** A clock that only the plugins' calls move: the next takes `spends[0]` ms, and so on. */
function play(replies: readonly NotifierReply[], spends: readonly number[] = [], startMs = START_MS) {
  let spentMs = 0;
  const asked: MemoryNotify[] = [];
  const ask = (_notifier: RegisteredNotifier, event: MemoryNotify): Promise<NotifierReply> => {
    spentMs += spends[asked.length] ?? 0;
    asked.push(event);
    return Promise.resolve(replies[asked.length - 1] ?? OK);
  };
  const clock: Clock = { monotonicMs: () => spentMs, wallMs: () => startMs + spentMs };
  return { ask, asked, clock };
}

describe('asking plugins in order', () => {
  it('asks one after the other and answers what each replied and how long it took', async () => {
    const { ask, asked, clock } = play([OK, CRASH, OK], [5, 20, 0]);
    const notifiers = chainOf({}, { failurePolicy: 'Ignore' }, {});
    const results = await askInOrder(inputOf(notifiers), ask, clock);
    assert.deepEqual(results, [
      { reply: OK, durationMs: 5 },
      { reply: CRASH, durationMs: 20 },
      { reply: OK, durationMs: 0 },
    ]);
    assert.deepEqual(
      asked.map(({ notifier, uid }) => [notifier, uid]),
      ['n0', 'n1', 'n2'].map((name) => [name, `run-1/memory32/MEM_GOING_OFFLINE/${name}`]),
    );
  });

  it('ends with a veto, a stop, or a missing answer that its policy makes a veto', async () => {
    const stop: NotifierReply = { kind: 'answer', answer: { result: 'NOTIFY_STOP' } };
    for (const last of [VETO, stop, CRASH]) {
      const { ask, clock } = play([OK, last]);
      const results = await askInOrder(inputOf(chainOf({}, {}, {})), ask, clock);
      assert.deepEqual(
        results.map(({ reply }) => reply),
        [OK, last],
      );
    }
  });

  it('goes on after a missing answer to what cannot be vetoed', async () => {
    const { ask, asked, clock } = play([CRASH, CRASH]);
    await askInOrder(inputOf(chainOf({}, {}, {}), 'MEM_CANCEL_OFFLINE'), ask, clock);
    assert.equal(asked.length, 3);
  });

  it('passes over those that did not register for the action', async () => {
    const { ask, asked, clock } = play([]);
    const notifiers = chainOf({ actions: ['MEM_ONLINE'] }, {}, { actions: ['MEM_GOING_OFFLINE'] });
    const results = await askInOrder(inputOf(notifiers), ask, clock);
    assert.deepEqual(
      asked.map(({ notifier }) => notifier),
      ['n1', 'n2'],
    );
    assert.equal(results.length, 2);
  });

  it('gives each its own time, but not more than is left of the whole walk', async () => {
    const { ask, asked, clock } = play([], [25_000, 25_000]);
    const notifiers = chainOf({ timeoutMs: 30_000 }, { timeoutMs: 30_000 }, { timeoutMs: 30_000 });
    await askInOrder(inputOf(notifiers), ask, clock);
    const deadlines = asked.map(({ deadline }) => Date.parse(deadline) - START_MS);
    assert.deepEqual(deadlines, [30_000, 55_000, 60_000]);
  });

  it('goes by how much time passes, whatever time of day this machine believes it is', async () => {
    const years = 50 * 365 * 86_400_000;
    const skews = fc.oneof(fc.integer({ min: -3_600_000, max: 3_600_000 }), fc.integer({ min: -years, max: years }));
    const spends = fc.array(fc.integer({ min: 0, max: WALK_MS }), { minLength: 4, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(skews, spends, async (skewMs, spent) => {
        const [here, there] = await Promise.all(
          [START_MS, START_MS + skewMs].map(async (startMs) => {
            const { ask, asked, clock } = play([], spent, startMs);
            const results = await askInOrder(inputOf(chainOf({}, {}, {}, {})), ask, clock);
            return { results, afterMs: asked.map(({ deadline }) => Date.parse(deadline) - startMs) };
          }),
        );
        assert.deepEqual(there, here);
        assert.ok(here!.afterMs.length > 0);
      }),
    );
  });

  it('does not ask when the time of the walk is over: that is a time-out, and a policy decides', async () => {
    const { ask, asked, clock } = play([], [WALK_MS]);
    const notifiers = chainOf({}, { failurePolicy: 'Ignore' }, { failurePolicy: 'Fail' }, {});
    const results = await askInOrder(inputOf(notifiers), ask, clock);
    assert.equal(asked.length, 1);
    assert.deepEqual(
      results.map(({ reply }) => reply),
      [OK, NOT_ASKED, NOT_ASKED],
    );
  });

  it('walks exactly as the kernel reducer does, whatever the chain and the replies', async () => {
    const answers: fc.Arbitrary<ChainAnswer> = fc.constantFrom(
      { result: 'NOTIFY_OK' },
      { result: 'NOTIFY_DONE' },
      { result: 'NOTIFY_STOP' },
      { result: 'NOTIFY_BAD' },
      { result: 'NOTIFY_BAD', errno: 'EBUSY' },
    );
    const reply: fc.Arbitrary<NotifierReply> = fc.oneof(
      answers.map((answer) => ({ kind: 'answer', answer }) as const),
      fc.boolean().map((timedOut) => ({ kind: 'error', message: 'm', timedOut }) as const),
    );
    const member = fc.record({
      priority: fc.integer({ min: -2, max: 2 }),
      failurePolicy: fc.constantFrom('Fail', 'Ignore'),
      actions: fc.subarray([...MEMORY_ACTIONS]),
      reply,
    });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...MEMORY_ACTIONS), fc.array(member, { maxLength: 6 }), async (action, all) => {
        const notifiers = chainOf(...all);
        const replyOf = new Map(notifiers.map(({ name }, at) => [name, all[at]!.reply]));
        const ask = ({ name }: RegisteredNotifier) => Promise.resolve(replyOf.get(name) ?? OK);
        const results = await askInOrder(inputOf(notifiers, action), ask, play([]).clock);
        let walk = beginChain(action, notifiers);
        for (let [next] = walk.remaining; next; [next] = walk.remaining) {
          walk = answerChain(walk, replyOf.get(next.name)!);
        }
        assert.deepEqual(
          results.map(({ reply: given }) => given),
          walk.calls.map(({ name }) => replyOf.get(name)),
        );
      }),
    );
  });

  it('says who asks: the version of the contract, and everything of the walk', async () => {
    const { ask, asked, clock } = play([]);
    const input = inputOf(chainOf({ timeoutMs: 1000 }));
    await askInOrder(input, ask, clock);
    const { uid, notifier, deadline, ...rest } = asked[0]!;
    assert.deepEqual(rest, input.walk);
    assert.equal(rest.apiVersion, NOTIFIER_API_VERSION);
    assert.ok(uid && notifier);
    assert.equal(Date.parse(deadline), START_MS + 1000);
  });
});
