import assert from 'node:assert/strict';
import { lookupsMax, provideLookupThreads } from '../../../src/plugins/webhook/lookup-threads.ts';

function provided(given: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const env = { ...given };
  provideLookupThreads(env);
  return env;
}

describe('threads for lookups', () => {
  it('are provided where there are fewer, and are left where there are more', () => {
    for (const given of [{}, { UV_THREADPOOL_SIZE: '4' }, { UV_THREADPOOL_SIZE: 'many' }]) {
      assert.deepEqual(provided(given), { UV_THREADPOOL_SIZE: '128' });
    }
    assert.deepEqual(provided({ UV_THREADPOOL_SIZE: '500' }), { UV_THREADPOOL_SIZE: '500' });
  });

  it('leave some to other lookups of the process', () => {
    assert.equal(lookupsMax(provided({})), 48);
    // libuv runs at most half of the pool's size, rounded up, side by side.
    for (const [size, max] of [
      ['0', 1],
      ['1', 1],
      ['4', 1],
      ['5', 2],
      ['1024', 384],
      ['9999', 384],
    ] as const) {
      assert.equal(lookupsMax({ UV_THREADPOOL_SIZE: size }), max, size);
    }
    assert.equal(lookupsMax({}), 1);
  });
});
