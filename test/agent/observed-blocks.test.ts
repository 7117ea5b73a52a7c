import assert from 'node:assert/strict';
import fc from 'fast-check';
import { observedBlocks } from '../../src/agent/observed-blocks.ts';
import { nodeStatus, observeBlock, type ViewedBlock } from '../../src/drivers/node-view.ts';

const CAPABILITIES = { add: true, remove: true, online: true, offline: true };

describe('blocks out of a status', () => {
  it('are what each would be observed as', () => {
    const viewed = fc.oneof(
      fc.constant<ViewedBlock>({ state: 'offline' }),
      fc.record<ViewedBlock>({
        state: fc.constantFrom('online', 'going-offline'),
        zone: fc.constantFrom('Normal', 'Movable', 'none'),
      }),
    );
    const id = fc.nat(40);
    fc.assert(
      fc.property(fc.dictionary(id.map(String), viewed), id, (blocks, blockId) => {
        const node = { bootId: 'boot-1', blockSizeBytes: 2 ** 27, blocks };
        const status = nodeStatus(node, CAPABILITIES, 'simulated', { tokens: {} });
        assert.deepEqual(observedBlocks(status)(blockId), observeBlock(node, blockId));
      }),
    );
  });
});
