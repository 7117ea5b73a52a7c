import assert from 'node:assert/strict';
import { describeWait } from '../../src/cli/tell-waiting.ts';
import type { LockParty, LockTableView } from '../../src/contract/locks.ts';
import type { NodeLocksAnswer } from '../../src/temporal/lock-service-client.ts';

const SINCE = '2026-01-01T12:00:00Z';
const LOCAL = new Date(SINCE).toLocaleTimeString('sv');

function party(runId: string, more: Partial<LockParty> = {}): LockParty {
  return { workflowId: runId, runId, purpose: `online ${runId}`, mode: 'write', since: SINCE, ...more };
}

function answer(more: Partial<LockTableView> = {}): NodeLocksAnswer {
  const table = { node: 'worker-1', epoch: 1, isRecovering: false, locks: [], orders: [], lockdep: [], ...more };
  return { node: 'worker-1', kind: 'table', table };
}

function waitingIn(waiters: readonly LockParty[], holders: readonly LockParty[]): NodeLocksAnswer {
  return answer({ locks: [{ name: 'device_hotplug_lock', holders, waiters }] });
}

describe('describeWait', () => {
  it('names the lock, its holder, and since when', () => {
    const waiting = describeWait(waitingIn([party('me')], [party('memory32')]), 'me');
    assert.equal(waiting, `waiting for device_hotplug_lock, held by online memory32 since ${LOCAL}`);
  });

  it('tells that a holder is suspect, and how many wait before', () => {
    const table = waitingIn([party('a'), party('me')], [party('memory32', { suspect: 'silent' })]);
    assert.equal(
      describeWait(table, 'me'),
      `waiting for device_hotplug_lock, held by online memory32 since ${LOCAL} (suspect: silent); 1 before you`,
    );
  });

  it('says nothing of a run that does not wait', () => {
    assert.equal(describeWait(waitingIn([], [party('me')]), 'me'), undefined);
    assert.equal(describeWait(answer(), 'me'), undefined);
  });

  it('tells what is missing when there is no answer about locks', () => {
    const silent: NodeLocksAnswer = { node: 'worker-1', kind: 'silent', reason: 'Nobody answers.' };
    assert.match(describeWait(silent, 'me') ?? '', /lock service of worker-1\. Nobody answers\./);
    assert.match(
      describeWait({ node: 'worker-1', kind: 'never-ran' }, 'me') ?? '',
      /for an operator .*: does one run\?/,
    );
    assert.match(describeWait(answer({ isRecovering: true }), 'me') ?? '', /which finds out who holds what/);
  });
});
