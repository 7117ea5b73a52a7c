import assert from 'node:assert/strict';
import { parseAnswer } from '../../src/contract/notifier-answer.ts';
import { definePlugin, done, ok, stop, veto } from '../../src/plugins/define-plugin.ts';

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
      assert.deepEqual(parseAnswer(JSON.parse(JSON.stringify(answer))), { kind: 'answer', answer });
    }
  });

  it('stamps the version of the contract and freezes the plugin', () => {
    const plugin = definePlugin({ name: 'mine', description: '', configSchema: {}, notify: () => ok() });
    assert.equal(plugin.apiVersion, 'notifier.memoryhotplug.io/v1');
    assert.ok(Object.isFrozen(plugin));
  });
});
