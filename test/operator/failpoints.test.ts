/** Which call of which activity a failpoint means. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isReached, parseFailpoints, type Failpoint } from '../../src/operator/failpoints.ts';

const [MOMENTS, WORDS] = [
  ['before', 'after'] as const,
  ['lookAgain', 'callPlugins', 'worker-1', 'MEM_ONLINE', 'release-all'],
];

function only(text: string): Failpoint {
  const [failpoint, ...more] = parseFailpoints(text);
  assert.ok(failpoint && more.length === 0);
  return failpoint;
}

describe('failpoints', () => {
  it('are none where the variable is not set, or is empty', () => {
    assert.deepEqual([parseFailpoints(undefined), parseFailpoints('')], [[], []]);
  });

  it('are read as they are written', () => {
    const failpoint = {
      moment: fc.constantFrom(...MOMENTS),
      activity: fc.constantFrom(...WORDS),
      about: fc.array(fc.constantFrom(...WORDS), { maxLength: 3 }),
      marker: fc.stringMatching(/^\/[a-z/]{1,20}$/),
    };
    fc.assert(
      fc.property(fc.array(fc.record(failpoint, { noNullPrototype: true }), { maxLength: 4 }), (failpoints) => {
        const written = failpoints.map(
          ({ moment, activity, about, marker }) => `${[moment, activity, ...about].join(':')}=${marker}`,
        );
        assert.deepEqual(parseFailpoints(written.join(',')), failpoints);
      }),
    );
  });

  for (const wrong of [
    'before:lookAgain',
    'before:lookAgain=',
    '=/tmp/m',
    'during:lookAgain=/tmp/m',
    'before:=/tmp/m',
  ]) {
    it(`refuse "${wrong}", and quote it`, () => {
      assert.throws(() => parseFailpoints(`after:lookAgain=/tmp/x,${wrong}`), {
        message: new RegExp(`MEMHP_FAILPOINTS: "${wrong}"`),
      });
    });
  }

  it('mean one moment of one activity', () => {
    const failpoint = only('before:lookAgain=/tmp/m');
    assert.equal(isReached(failpoint, 'before', 'lookAgain', {}), true);
    assert.equal(isReached(failpoint, 'after', 'lookAgain', {}), false);
    assert.equal(isReached(failpoint, 'before', 'recordOutcome', {}), false);
  });

  it('may name the node and the action that the call is about, in any order', () => {
    const call = { walk: { node: 'worker-1', action: 'MEM_ONLINE' } };
    for (const about of ['', ':worker-1', ':MEM_ONLINE', ':MEM_ONLINE:worker-1', ':worker-1:MEM_ONLINE']) {
      assert.equal(isReached(only(`after:callPlugins${about}=/tmp/m`), 'after', 'callPlugins', call), true, about);
    }
    for (const about of [':worker-2', ':MEM_OFFLINE', ':MEM_ONLINE:worker-2']) {
      assert.equal(isReached(only(`after:callPlugins${about}=/tmp/m`), 'after', 'callPlugins', call), false, about);
    }
  });

  it('tell the message that releases everything from one that releases a part', () => {
    const isAll = (message: object): boolean =>
      isReached(only('before:releaseLocks:all=/tmp/m'), 'before', 'releaseLocks', { node: 'n', message });
    assert.equal(isAll({ release: [{ id: 'a', names: ['mem_hotplug_lock'] }] }), false);
    assert.equal(isAll({ release: [{ id: 'a' }] }), true);
  });
});
