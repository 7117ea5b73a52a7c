/** The operator's pool is as large as its limit on lookups takes it to be: nothing used the pool before it was set. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { openOperatorStage } from '../support/operator-stage.ts';

describe('threads of an operator', function () {
  this.timeout(60_000);

  it('are as many as lookups of hung names may take, and as many again', async function () {
    if (process.platform !== 'linux') return this.skip();
    const stage = await openOperatorStage();
    const threads = readdirSync(`/proc/${String(stage.process('operator-1').pid)}/task`);
    assert.ok(threads.length > 128, `${String(threads.length)} threads`);
  });
});
