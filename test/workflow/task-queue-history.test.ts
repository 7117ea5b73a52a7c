import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Worker } from '@temporalio/worker';
import { OperationStage, registered } from '../support/operation-stage.ts';
import { ScriptedNode } from '../support/scripted-node.ts';
import { sharedTemporal } from '../support/shared-temporal.ts';

/** Just below what the server takes as one payload. */
const REASON_LENGTH = 2_000_000;
/** Their answers together are more than half of the 50 MiB at which the server terminates a run. */
const NOTIFIERS = 14;

describe('answers on a task queue that are far too long', function () {
  this.timeout(60_000);

  it('do not fill the history of the operation: from some size on nobody is asked, and it ends', async () => {
    const taskQueue = `long-${randomUUID().slice(0, 8)}`;
    const stage = await new OperationStage(new ScriptedNode('worker-1', { 31: 'online' })).open();
    const { native: connection, namespace } = await sharedTemporal();
    const reason = 'x'.repeat(REASON_LENGTH);
    const activities = { ask: () => ({ result: 'NOTIFY_OK', reason }) };
    const worker = await Worker.create({ connection, namespace, taskQueue, activities });
    const working = worker.run();
    try {
      stage.notifiers = Array.from({ length: NOTIFIERS }, (_, at) =>
        registered(`talkative-${String(at).padStart(2, '0')}`, {
          actions: ['MEM_OFFLINE'],
          transport: { kind: 'taskQueue', taskQueue, activity: 'ask' },
        }),
      );
      const run = await stage.start({
        type: 'offline',
        input: { ...stage.base, blockId: 31, offlineTimeoutMs: 10_000 },
      });
      const { result, notifiers } = await run.result();
      assert.equal(result, 'Succeeded');
      assert.equal(notifiers.length, NOTIFIERS, 'each has its line');
      const results = notifiers.map((call) => call.result);
      const answered = results.lastIndexOf('NOTIFY_OK') + 1;
      assert.ok(answered >= 7 && answered <= 10, `${String(answered)} answered`);
      assert.match(notifiers.at(-1)?.reason ?? '', /have filled the operation's history/);
      assert.ok(
        notifiers.every((call) => (call.reason?.length ?? 0) <= 800),
        'what is kept of an answer is short',
      );
    } finally {
      worker.shutdown();
      await working;
      await stage.close();
    }
  });
});
