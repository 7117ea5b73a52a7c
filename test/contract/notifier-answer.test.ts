import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseAnswer, tellsMistake } from '../../src/contract/notifier-answer.ts';
import type { NotifierAnswer } from '../../src/contract/notifier.ts';
import { ERRNO, type Errno } from '../../src/kernel/errno.ts';

const RESULTS = ['NOTIFY_DONE', 'NOTIFY_OK', 'NOTIFY_STOP', 'NOTIFY_BAD'] as const;
const REASON_MAX = 800;
const errno = fc.constantFrom(...(Object.keys(ERRNO) as Errno[]));

/** Every answer that the contract knows. */
const answer: fc.Arbitrary<NotifierAnswer> = fc
  .record(
    {
      result: fc.constantFrom(...RESULTS),
      errno,
      reason: fc.string({ maxLength: REASON_MAX }),
      retryAfterSeconds: fc.integer({ min: 1, max: 86_400 }),
      outlook: fc.constantFrom('Deferred', 'Infeasible'),
    },
    { requiredKeys: ['result'] },
  )
  .map(({ errno: of, ...rest }) => ({ ...rest, ...(rest.result === 'NOTIFY_BAD' && of ? { errno: of } : {}) }));

/** Objects that look like answers, with the right and the wrong words in the right and the wrong places. */
const nearly = fc.dictionary(
  fc.constantFrom('result', 'errno', 'reason', 'retryAfterSeconds', 'outlook', 'veto', '__proto__', 'constructor'),
  fc.oneof(
    fc.constantFrom<unknown>(
      ...RESULTS,
      'EBUSY',
      'EWOULDBLOCK',
      'EWHATEVER',
      'Deferred',
      'Infeasible',
      'toString',
      null,
      undefined,
    ),
    fc.constantFrom<unknown>(0, 1, -1, 0.5, 86_400, 86_401, Number.NaN, Infinity),
    fc.jsonValue(),
  ),
);

/** What the documentation promises of an answer, said another way than the parser does: whether it is one. */
function isDocumented(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const known = new Set(['result', 'reason', 'retryAfterSeconds', 'outlook']);
  const fields = new Map<string, unknown>(
    Object.entries(value).filter(([, field]) => field !== null && field !== undefined),
  );
  if (fields.get('result') === 'NOTIFY_BAD') return true;
  return (
    [...fields.keys()].every((name) => known.has(name)) &&
    RESULTS.some((word) => word === fields.get('result')) &&
    (!fields.has('reason') || typeof fields.get('reason') === 'string') &&
    (!fields.has('retryAfterSeconds') || Number.isFinite(fields.get('retryAfterSeconds'))) &&
    (!fields.has('outlook') || ['Deferred', 'Infeasible'].includes(fields.get('outlook') as string))
  );
}

describe('what a plugin answered', () => {
  it('is an answer exactly where it is one that is documented, and nothing makes the parser throw', () => {
    const anything = fc.oneof(fc.jsonValue(), fc.anything(), nearly, answer);
    fc.assert(
      fc.property(anything, (value) => {
        assert.equal(parseAnswer(value).kind, isDocumented(value) ? 'answer' : 'error');
      }),
      { numRuns: 2_000 },
    );
  });

  it('is taken over word by word', () => {
    fc.assert(
      fc.property(answer, (given) => {
        assert.deepEqual(parseAnswer(given), { kind: 'answer', answer: given });
      }),
    );
  });

  it('is the same when it is parsed twice', () => {
    fc.assert(
      fc.property(fc.oneof(nearly, answer), (value) => {
        const first = parseAnswer(value);
        if (first.kind === 'answer') assert.deepEqual(parseAnswer(first.answer), first);
      }),
    );
  });

  it('is a veto wherever it says NOTIFY_BAD, with what is understood of it, and says what is not', () => {
    const vetoes = nearly.map((fields) => ({ ...fields, result: 'NOTIFY_BAD' }));
    fc.assert(
      fc.property(vetoes, (given: Readonly<Record<string, unknown>>) => {
        const reply = parseAnswer(given);
        assert.ok(reply.kind === 'answer' && reply.answer.result === 'NOTIFY_BAD');
        const { errno: said, reason = '', retryAfterSeconds: seconds = 1, outlook } = reply.answer;
        assert.ok(said === undefined || Object.hasOwn(ERRNO, said));
        assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 86_400);
        assert.ok(outlook === undefined || outlook === given['outlook']);
        assert.ok(reason.length <= REASON_MAX);
        const lost = Object.keys(given).filter(
          (name) => given[name] !== null && given[name] !== undefined && !Object.hasOwn(reply.answer, name),
        );
        for (const name of lost)
          if (name.length < 20) assert.ok(tellsMistake(reason), `${name} is missed in ${reason}`);
      }),
      { numRuns: 1_000 },
    );
  });

  it('keeps the reason of a veto, and names beside it what was not understood', () => {
    const reason = 'frozen until monday';
    for (const [field, note] of [
      [{ errno: 'EWHATEVER' }, '{"errno":"EWHATEVER"}: errno must be the name of an errno, as EBUSY'],
      [{ errno: -16 }, '{"errno":-16}: errno must be the name of an errno, as EBUSY'],
      [{ retryAfterSeconds: 'PT5M' }, '{"retryAfterSeconds":"PT5M"}: retryAfterSeconds must be a number'],
      [{ outlook: 'Never' }, '{"outlook":"Never"}: outlook must be one of Deferred, Infeasible'],
      [{ until: 'monday' }, '{"until":"monday"}: until is not a field of an answer'],
    ] as const) {
      assert.deepEqual(parseAnswer({ result: 'NOTIFY_BAD', reason, ...field }), {
        kind: 'answer',
        answer: { result: 'NOTIFY_BAD', reason: `${reason} (of this veto was not understood: ${note})` },
      });
    }
    const long = parseAnswer({
      result: 'NOTIFY_BAD',
      reason: 'x'.repeat(2_000),
      ['y'.repeat(2_000)]: 'z'.repeat(2_000),
    });
    assert.ok(long.kind === 'answer');
    assert.match(long.answer.reason ?? '', /^x{300,}… \(of this veto was not understood: \{"yyy/);
  });

  it('may have the second name of an errno, which is the first', () => {
    const reply = parseAnswer({ result: 'NOTIFY_BAD', errno: 'EWOULDBLOCK' });
    assert.deepEqual(reply, { kind: 'answer', answer: { result: 'NOTIFY_BAD', errno: 'EAGAIN' } });
  });

  for (const [asked, kept] of [
    [172_800, 86_400],
    [Number.MAX_VALUE, 86_400],
    [12.5, 13],
    [0, 1],
    [-0.5, 1],
    [-60, 1],
  ] as const) {
    it(`may ask to be tried again in ${String(asked)} s, which is taken for ${String(kept)} s`, () => {
      for (const result of ['NOTIFY_BAD', 'NOTIFY_OK'] as const) {
        const reply = parseAnswer({ result, retryAfterSeconds: asked });
        assert.deepEqual(reply, { kind: 'answer', answer: { result, retryAfterSeconds: kept } });
      }
    });
  }

  it('may have nulls for what is not set, as some languages write them', () => {
    const nulls = { result: 'NOTIFY_OK', errno: null, reason: null, retryAfterSeconds: null, outlook: null };
    assert.deepEqual(parseAnswer(nulls), { kind: 'answer', answer: { result: 'NOTIFY_OK' } });
  });

  it('has a reason that is cut to what fits into an event', () => {
    const reply = parseAnswer({ result: 'NOTIFY_BAD', reason: 'x'.repeat(REASON_MAX + 1) });
    assert.ok(reply.kind === 'answer');
    assert.equal(reply.answer.reason, `${'x'.repeat(REASON_MAX - 1)}…`);
  });

  const NONSENSE: readonly [unknown, RegExp][] = [
    [undefined, /nothing \(not an object\)/],
    ['NOTIFY_OK', /"NOTIFY_OK" \(not an object\)/],
    [[], /\[\] \(not an object\)/],
    [{}, /\(has no result\)/],
    [{ result: 'NOTIFY_MAYBE' }, /\(result must be one of NOTIFY_DONE, NOTIFY_OK, NOTIFY_STOP, NOTIFY_BAD\)/],
    [{ result: 'NOTIFY_OK', veto: true }, /\(veto is not a field of an answer\)/],
    [{ result: 'NOTIFY_OK', errno: 'EBUSY' }, /\(errno belongs to NOTIFY_BAD\)/],
    [{ result: 'NOTIFY_STOP', errno: 'EWHATEVER' }, /\(errno must be the name of an errno, as EBUSY\)/],
    [{ result: 'NOTIFY_OK', retryAfterSeconds: '60' }, /\(retryAfterSeconds must be a number\)/],
    [{ result: 'NOTIFY_DONE', outlook: 'Never' }, /\(outlook must be one of Deferred, Infeasible\)/],
  ];
  for (const [value, problem] of NONSENSE) {
    it(`is never agreement where it is nonsense, which is quoted: ${JSON.stringify(value)}`, () => {
      const reply = parseAnswer(value);
      assert.ok(reply.kind === 'error');
      assert.match(reply.message, problem);
      assert.match(reply.message, /^answered nonsense: .*; an answer is \{ result, /);
    });
  }

  it('is quoted in part where it is long', () => {
    const reply = parseAnswer({ result: 'x'.repeat(10_000) });
    assert.ok(reply.kind === 'error' && reply.message.length < 500);
  });
});
