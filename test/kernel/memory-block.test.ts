import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  beginTransition,
  isOnlineType,
  MEMORY_BLOCK_STATES,
  ONLINE_TYPES,
  TRANSITIONS,
  type MemoryBlockState,
  type OperationType,
} from '../../src/kernel/memory-block.ts';

const OPERATIONS = Object.keys(TRANSITIONS) as OperationType[];
const operation = fc.constantFrom(...OPERATIONS);

describe('memory-block states', () => {
  it('answers every operation in every state as the kernel does', () => {
    const table = Object.fromEntries(
      OPERATIONS.map((op) => [
        op,
        MEMORY_BLOCK_STATES.map((state) => {
          const verdict = beginTransition(op, state);
          return verdict.kind === 'refused' ? verdict.errno : verdict.kind;
        }),
      ]),
    );
    assert.deepEqual(MEMORY_BLOCK_STATES, ['absent', 'offline', 'going-offline', 'online']);
    assert.deepEqual(table, {
      add: ['change', 'already', 'EEXIST', 'EEXIST'],
      online: ['ENODEV', 'change', 'EINVAL', 'already'],
      offline: ['ENODEV', 'already', 'EINVAL', 'change'],
      remove: ['already', 'change', 'EBUSY', 'EBUSY'],
    });
  });

  it('finds nothing left to do right after any operation that changed the block', () => {
    fc.assert(
      fc.property(operation, fc.constantFrom(...MEMORY_BLOCK_STATES), (op, state) => {
        const verdict = beginTransition(op, state);
        if (verdict.kind === 'change') assert.deepEqual(beginTransition(op, verdict.to), { kind: 'already' });
      }),
    );
  });

  it('shows going-offline only while an offline runs: no walk of operations ends there', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 20 }), (walk) => {
        let state: MemoryBlockState = 'absent';
        for (const op of walk) {
          const verdict = beginTransition(op, state);
          if (verdict.kind !== 'change') continue;
          assert.equal(verdict.via === 'going-offline', op === 'offline');
          state = verdict.to;
        }
        assert.notEqual(state, 'going-offline');
      }),
    );
  });

  it('spells online types as memoryN/state does', () => {
    assert.deepEqual(ONLINE_TYPES.filter(isOnlineType), ['online', 'online_kernel', 'online_movable']);
    for (const word of ['offline', 'Online', '', 'toString']) assert.ok(!isOnlineType(word), word);
  });
});
