import assert from 'node:assert/strict';
import { Gauge, Registry } from 'prom-client';
import { createScrape } from '../../src/process/create-scrape.ts';
import { mergeMetrics } from '../../src/process/merge-metrics.ts';

describe('mergeMetrics', () => {
  const told = (text: string) => ({ name: 'told', tell: () => Promise.resolve(text) });
  const broken = { name: 'broken', tell: () => Promise.reject(new Error('two\nlines')) };

  it('ends every part with a line end, so that no two lines become one', async () => {
    assert.equal(await mergeMetrics(['a 1', '', 'b 2\n'].map(told)), 'a 1\nb 2\n');
  });

  it('tells all other parts when one gives no answer, and says why in a comment', async () => {
    const failed: string[] = [];
    const text = await mergeMetrics([broken, told('a 1\n')], (part) => failed.push(part));
    assert.equal(text, '# broken is missing: Error: two lines\na 1\n');
    assert.deepEqual(failed, ['broken']);
  });

  it('fails when nothing at all can be told', () => assert.rejects(mergeMetrics([broken, broken]), /no metric .*two/s));
});

describe('a scrape', () => {
  let registry: Registry;

  beforeEach(() => {
    registry = new Registry();
    const gauge = (name: string, collect: (this: Gauge) => void) =>
      new Gauge({ name, help: 'Of this test.', registers: [registry], collect });
    gauge('first', function () {
      this.set(1);
    });
    gauge('poisoned', () => {
      throw new RangeError('"8Ei" is too large');
    });
    gauge('last', function () {
      this.set(2);
    });
  });

  it('tells every metric but the one that cannot be told, and counts its failures', async () => {
    const scrape = createScrape(registry, [{ name: 'sdk', tell: () => Promise.reject(new Error('500')) }]);
    const text = await scrape();
    assert.match(text, /^first 1$/m);
    assert.match(text, /^last 2$/m);
    assert.match(text, /^# poisoned is missing: RangeError: "8Ei" is too large$/m);
    const counted = await scrape();
    assert.match(counted, /^memhp_metrics_failures_total\{part="poisoned"\} 1$/m);
    assert.match(counted, /^memhp_metrics_failures_total\{part="sdk"\} 1$/m);
  });

  it('tells what prom-client tells where nothing is broken', async () => {
    registry.removeSingleMetric('poisoned');
    const scrape = createScrape(registry);
    const lines = (text: string) => text.split('\n').filter((line) => line !== '');
    assert.deepEqual(lines(await scrape()), lines(await registry.metrics()));
  });
});
