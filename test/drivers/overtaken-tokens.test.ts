import assert from 'node:assert/strict';
import { overtakenTokens } from '../../src/drivers/fencing.ts';

const D = 'device_hotplug_lock';
const M = 'mem_hotplug_lock';

describe('tokens that a settlement finds overtaken', () => {
  const fence = { tokens: { [D]: { token: 7, runId: 'a' }, [M]: { token: 9, runId: 'b' } } };

  it('are those of the locks asked about that the node has seen a later one of', () => {
    assert.deepEqual(overtakenTokens(fence, { tokens: { [D]: 6, [M]: 9 } }), { overtaken: { [D]: 7 } });
    assert.deepEqual(overtakenTokens(fence, { tokens: { [D]: 7, [M]: 12, 'device_lock/memory1': 1 } }), {});
    assert.deepEqual(overtakenTokens(fence, { below: 5 }), {});
  });
});
