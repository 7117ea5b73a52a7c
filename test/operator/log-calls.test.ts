import assert from 'node:assert/strict';
import type { NotifierCall } from '../../src/contract/notifier-calls.ts';
import { logCalls } from '../../src/operator/log-calls.ts';

const CALL: NotifierCall = {
  name: 'guard',
  action: 'MEM_GOING_OFFLINE',
  result: 'NOTIFY_OK',
  node: 'worker-1',
  blockId: 32,
  durationMs: 4,
};

describe('the log of notifier calls', () => {
  it('warns of a call that got no answer, with its reason; all others are for who debugs', () => {
    const lines: unknown[] = [];
    const at = (level: string) => (message: string, fields: object) => lines.push([level, message, fields]);
    const calls = logCalls({ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') });
    calls.called(CALL);
    calls.called({ ...CALL, result: 'Error', reason: 'timed out' });
    const { name: notifier, ...about } = CALL;
    assert.deepEqual(lines, [
      ['debug', 'notifier', { notifier, ...about }],
      ['warn', 'a notifier gave no answer', { notifier, ...about, result: 'Error', reason: 'timed out' }],
    ]);
  });
});
