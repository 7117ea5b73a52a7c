import assert from 'node:assert/strict';
import { within } from '../../src/process/within.ts';

describe('within', () => {
  it('ends as the work does', async () => {
    assert.equal(await within(10_000, 'ask', Promise.resolve(1)), 1);
    await assert.rejects(within(10_000, 'ask', Promise.reject(new Error('no'))), /^Error: no$/);
  });

  it('ends with what took too long when the work does not end', async () => {
    const never = Promise.withResolvers<undefined>().promise;
    await assert.rejects(within(5, 'ask', never), /^Error: ask: not within 0\.005 s$/);
  });
});
