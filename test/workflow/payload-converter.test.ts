import assert from 'node:assert/strict';
import type { ActivitySerializationContext, Payload } from '@temporalio/common';
import { PLUGIN_ACTIVITY_ID_PREFIX } from '../../src/contract/names.ts';
import { payloadConverter } from '../../workflows/payload-converter.ts';

const SEALED: Payload = { metadata: { encoding: Buffer.from('binary/encrypted') }, data: Buffer.from('?') };
const WORKFLOW = { type: 'workflow', namespace: 'default', workflowId: 'w' } as const;

function activity(activityId: string): ActivitySerializationContext {
  return { type: 'activity', namespace: 'default', activityId, isLocal: false };
}

describe("the workflows' payload converter", () => {
  it('makes a value of what a plugin answers, or somebody signals, and cannot be read', () => {
    for (const context of [activity(`${PLUGIN_ACTIVITY_ID_PREFIX}MEM_ONLINE/guard`), WORKFLOW]) {
      assert.match(payloadConverter.fromPayload<{ unreadable: string }>(SEALED, context).unreadable, /encrypted/);
    }
  });

  it('reads what our own activities return strictly', () => {
    assert.throws(() => payloadConverter.fromPayload(SEALED, activity('5')), /encrypted/);
    assert.deepEqual(payloadConverter.fromPayload(payloadConverter.toPayload({ a: 1 }), activity('5')), { a: 1 });
  });
});
