import assert from 'node:assert/strict';
import { mergeMetrics } from '../../src/process/merge-metrics.ts';

describe('mergeMetrics', () => {
  it('ends every part with a line end, so that no two lines become one', async () => {
    const parts = ['a 1', '', 'b 2\n'].map((text) => () => Promise.resolve(text));
    assert.equal(await mergeMetrics(parts), 'a 1\nb 2\n');
  });

  it('tells all other parts when one gives no answer, and says why in a comment', async () => {
    const text = await mergeMetrics([() => Promise.resolve('a 1\n'), () => Promise.reject(new Error('two\nlines'))]);
    assert.equal(text, 'a 1\n# a part is missing: Error: two lines\n');
  });
});
