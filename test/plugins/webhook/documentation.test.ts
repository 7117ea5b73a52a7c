/** What docs/plugins-webhook.md and the example's request show is what is sent, understood and said. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { NotifyReviewRequest, NotifyReviewResponse } from '../../../src/contract/notifier.ts';
import { readReview } from '../../../src/plugins/webhook/read-review.ts';
import { memoryNotify } from '../../support/notifier-call.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const SOURCES = path.join(ROOT, 'src/plugins/webhook');
/** Fields that stand in a request only where they are known. */
const OPTIONAL = new Set(['numaNode', 'onlineType']);

function read(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

function assertRequest(text: string): NotifyReviewRequest {
  const review = JSON.parse(text) as NotifyReviewRequest;
  const { apiVersion, ...expected } = memoryNotify();
  assert.deepEqual(
    Object.keys(review.request).filter((field) => !OPTIONAL.has(field)),
    ['apiVersion', 'uid', 'notifier', 'action', ...Object.keys(expected).slice(3)],
  );
  assert.deepEqual([review.apiVersion, review.kind], [apiVersion, 'MemoryNotifyReview']);
  assert.equal(review.request.apiVersion, apiVersion);
  return review;
}

describe('documentation of webhooks', () => {
  const page = read('docs/plugins-webhook.md');

  it('shows a request as it is sent, and an answer to it that is understood', () => {
    const [request = '', response = ''] = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, text = '']) => text);
    const { uid } = assertRequest(request).request;
    const { uid: answered, ...answer } = (JSON.parse(response) as NotifyReviewResponse).response;
    assert.equal(answered, uid);
    const reply = readReview({ status: 200, mediaType: 'application/json', body: response }, uid);
    assert.deepEqual(reply, { kind: 'answer', answer });
  });

  it('has an example whose request is as it is sent', () => {
    assertRequest(read('examples/plugins/webhook/review.json'));
  });

  it('explains messages that exist', () => {
    const sources = readdirSync(SOURCES).map((file) => readFileSync(path.join(SOURCES, file), 'utf8'));
    const [, table = ''] = page.split('| message | what to do |');
    const messages = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, message = '']) => message);
    assert.ok(messages.length > 10);
    for (const message of messages) assert.ok(sources.join('\n').includes(message), message);
  });
});
