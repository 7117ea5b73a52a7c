import assert from 'node:assert/strict';
import { MEMORY_BLOCK_STATES } from '../../src/kernel/memory-block.ts';
import { owedAction } from '../../src/kernel/owed-action.ts';

describe('what a dead operation owes', () => {
  it('is the completion where the block got there, else the cancellation', () => {
    assert.equal(owedAction('online', 'online', false), 'MEM_ONLINE');
    assert.equal(owedAction('online', 'offline', false), 'MEM_CANCEL_ONLINE');
    assert.equal(owedAction('offline', 'offline', false), 'MEM_OFFLINE');
    assert.equal(owedAction('offline', 'online', false), 'MEM_CANCEL_OFFLINE');
    assert.equal(owedAction('offline', 'absent', false), 'MEM_OFFLINE', 'removed by somebody else since');
  });

  it('is nothing for a remove, and for an add only where the node brings its blocks online', () => {
    for (const state of MEMORY_BLOCK_STATES) {
      assert.equal(owedAction('remove', state, true), undefined);
      assert.equal(owedAction('add', state, false), undefined);
    }
    assert.equal(owedAction('add', 'online', true), 'MEM_ONLINE');
    assert.equal(owedAction('add', 'offline', true), 'MEM_CANCEL_ONLINE');
  });

  it('never announces anything: a GOING action is asked, not owed', () => {
    for (const type of ['add', 'online', 'offline', 'remove'] as const) {
      for (const state of MEMORY_BLOCK_STATES) {
        for (const isAutoOnline of [true, false])
          assert.doesNotMatch(owedAction(type, state, isAutoOnline) ?? '', /GOING/);
      }
    }
  });
});
