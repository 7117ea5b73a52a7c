import assert from 'node:assert/strict';
import fc from 'fast-check';
import { surveyChain } from '../../src/kernel/chain-survey.ts';
import { answerChain, beginChain, type ChainEntry, type ChainReply } from '../../src/kernel/notifier-chain.ts';

const entry = (name: string, priority: number, failurePolicy: ChainEntry['failurePolicy'] = 'Fail'): ChainEntry => ({
  name,
  priority,
  registeredAt: '2026-01-01T00:00:00Z',
  actions: [],
  failurePolicy,
});

const replies = fc.oneof(
  fc
    .constantFrom('NOTIFY_DONE', 'NOTIFY_OK', 'NOTIFY_STOP')
    .map((result): ChainReply => ({ kind: 'answer', answer: { result } })),
  fc.constant<ChainReply>({ kind: 'answer', answer: { result: 'NOTIFY_BAD', errno: 'EBUSY', reason: 'pinned' } }),
  fc.constant<ChainReply>({ kind: 'error', message: 'it crashed' }),
);
const chains = fc.array(fc.tuple(fc.constantFrom('Fail', 'Ignore'), replies), { maxLength: 8 }).map((members) => ({
  entries: members.map(([policy], index) => entry(`n${String(index)}`, -index, policy)),
  given: members.map(([, reply]) => reply),
}));

describe('surveyChain', () => {
  it('reaches those whom the real walk reaches, with the same words, and tells at whom it ends', () => {
    fc.assert(
      fc.property(chains, ({ entries, given }) => {
        let walk = beginChain('MEM_GOING_OFFLINE', entries);
        for (const reply of given) if (walk.remaining.length > 0) walk = answerChain(walk, reply);
        const survey = surveyChain('MEM_GOING_OFFLINE', entries, given);
        const reached = survey.filter(({ behind }) => behind === undefined);
        assert.equal(survey.length, entries.length);
        assert.deepEqual(
          reached.map(({ name, result, errno }) => [name, result, errno]),
          walk.calls.map(({ name, result, errno }) => [name, result, errno]),
        );
        const last = walk.calls.at(-1)?.name;
        for (const { behind } of survey.slice(reached.length)) assert.equal(behind, last);
        assert.equal(
          reached.some(({ isVeto }) => isVeto),
          walk.verdict.kind === 'vetoed',
        );
      }),
    );
  });

  it('counts a missing answer as a veto where the failure policy says so', () => {
    const crash: ChainReply = { kind: 'error', message: 'it crashed' };
    const survey = surveyChain('MEM_GOING_ONLINE', [entry('strict', 2), entry('lax', 1, 'Ignore')], [crash, crash]);
    assert.deepEqual(
      survey.map(({ name, isVeto, behind, errno }) => [name, isVeto, behind, errno]),
      [
        ['strict', true, undefined, 'EIO'],
        ['lax', false, 'strict', undefined],
      ],
    );
  });

  it('throws when somebody has not replied', () => {
    assert.throws(() => surveyChain('MEM_GOING_ONLINE', [entry('a', 0)], []), RangeError);
  });
});
