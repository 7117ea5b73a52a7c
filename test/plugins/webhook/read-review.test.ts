import assert from 'node:assert/strict';
import fc from 'fast-check';
import { NOTIFIER_API_VERSION, NOTIFY_REVIEW_KIND } from '../../../src/contract/notifier.ts';
import { readReview } from '../../../src/plugins/webhook/read-review.ts';
import { reviewText } from '../../support/webhook-server.ts';

const UID = 'run-1/memory32/MEM_GOING_OFFLINE/here';

function read(body: string): ReturnType<typeof readReview> {
  return readReview({ status: 200, mediaType: 'application/json', body }, UID);
}

function nonsenseIn(body: string): string {
  const reply = read(body);
  assert.ok(reply.kind === 'error');
  return reply.message;
}

describe('the answer of a webhook', () => {
  const answer = { uid: UID, result: 'NOTIFY_OK' };

  it('names the field of the envelope that is wrong, and what it must be', () => {
    for (const [given, expected] of [
      [{ apiVersion: 'v1' }, `apiVersion must be ${NOTIFIER_API_VERSION}`],
      [{ kind: 'AdmissionReview' }, `kind must be ${NOTIFY_REVIEW_KIND}`],
      [{ response: null }, 'response must be an object with uid and result'],
      [{ response: [answer] }, 'response must be an object with uid and result'],
      [{ response: { result: 'NOTIFY_OK' } }, `response.uid must be that of the request, ${UID}`],
      [{ response: { ...answer, uid: [UID] } }, `response.uid must be that of the request, ${UID}`],
    ] as const) {
      assert.equal(nonsenseIn(reviewText(answer, given)), `answered nonsense: ${expected}`);
    }
  });

  it('is nonsense, and quoted, when its result is none', () => {
    assert.match(nonsenseIn(reviewText({ uid: UID })), /answered nonsense: \{\} \(has no result\)/);
    assert.match(nonsenseIn(reviewText({ ...answer, result: 'MAYBE' })), /"MAYBE".*must be one of NOTIFY_DONE/);
    assert.match(nonsenseIn(reviewText({ ...answer, allowed: true })), /allowed is not a field of an answer/);
  });

  it('is nonsense however deep it is nested', () => {
    const deep = `${'['.repeat(8_000)}${']'.repeat(8_000)}`;
    const text = reviewText({ ...answer, result: 0 }).replace(':0', `:${deep}`);
    assert.match(nonsenseIn(text), /^answered nonsense/);
  });

  it('agrees to nothing but a complete answer to this request', () => {
    const words = fc.constantFrom(UID, 'other', 'NOTIFY_OK', NOTIFIER_API_VERSION, NOTIFY_REVIEW_KIND, null, 1, '');
    const mostly = (right: unknown): fc.Arbitrary<unknown> =>
      fc.oneof({ weight: 6, arbitrary: fc.constant(right) }, words, fc.jsonValue());
    const review = fc.record({
      apiVersion: mostly(NOTIFIER_API_VERSION),
      kind: mostly(NOTIFY_REVIEW_KIND),
      response: fc.oneof(
        { weight: 6, arbitrary: fc.record({ uid: mostly(UID), result: mostly('NOTIFY_OK') }) },
        fc.jsonValue(),
      ),
    });
    let answers = 0;
    fc.assert(
      fc.property(review, (given) => {
        const isRight =
          given.apiVersion === NOTIFIER_API_VERSION &&
          given.kind === NOTIFY_REVIEW_KIND &&
          JSON.stringify(given.response) === JSON.stringify(answer);
        const { kind } = read(JSON.stringify(given));
        answers += Number(kind === 'answer');
        assert.equal(kind, isRight ? 'answer' : 'error');
      }),
      { numRuns: 500 },
    );
    assert.ok(answers > 50, 'both cases were met');
  });

  it('is an error, and never an exception, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        assert.equal(read(text).kind, 'error');
      }),
    );
  });
});
