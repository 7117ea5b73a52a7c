import assert from 'node:assert/strict';
import { definePlugin, done, ok, stop, veto } from '../../src/plugins/define-plugin.ts';
import { parseAnswer } from '../../src/plugins/in-process/parse-answer.ts';

describe('plugin author API', () => {
  it('makes answers that the host accepts as they are', () => {
    const answers = [
      ok(),
      ok('why'),
      done(),
      done('why'),
      stop(),
      stop('why'),
      veto('EBUSY', 'why'),
      veto('EBUSY', 'why', { retryAfterSeconds: 30, outlook: 'Deferred' }),
      veto('EINVAL', 'why', { outlook: 'Infeasible' }),
    ];
    for (const answer of answers) {
      assert.deepEqual(parseAnswer('mine', JSON.stringify(answer)), { kind: 'answer', answer });
    }
  });

  it('stamps the version of the contract and freezes the plugin', () => {
    const plugin = definePlugin({ name: 'mine', description: '', configSchema: {}, notify: () => ok() });
    assert.equal(plugin.apiVersion, 1);
    assert.ok(Object.isFrozen(plugin));
  });
});
