import assert from 'node:assert/strict';
import { renderHolders, renderLocks } from '../../src/cli/render-locks.ts';
import type { LockParty, LockTableView } from '../../src/contract/locks.ts';
import type { NodeLocksAnswer } from '../../src/temporal/lock-service-client.ts';

const NOW_MS = Date.parse('2026-01-01T12:00:00Z');

function party(purpose: string, ageSeconds: number, more: Partial<LockParty> = {}): LockParty {
  const since = new Date(NOW_MS - ageSeconds * 1000).toISOString();
  const workflowId = `c/memoryblock/worker-1/${purpose.replace(/\D/g, '')}`;
  return { workflowId, runId: `run-${purpose}`, purpose, mode: 'write', since, ...more };
}

function answer(more: Partial<LockTableView> = {}): NodeLocksAnswer {
  const table = { node: 'worker-1', epoch: 2, isRecovering: false, locks: [], orders: [], lockdep: [], ...more };
  return { node: 'worker-1', kind: 'table', table };
}

const show = (...answers: NodeLocksAnswer[]): string => renderLocks(answers, { nowMs: NOW_MS });

const BUSY = answer({
  locks: [
    {
      name: 'device_hotplug_lock',
      holders: [party('online memory32', 12, { token: 4294967297 })],
      waiters: [party('offline memory7', 200), party('add memory33', 3)],
    },
    {
      name: 'mem_hotplug_lock',
      holders: [
        party('reader 8', 5, { token: 4294967299, mode: 'read', suspect: 'the CLI on host-1 is not heard of' }),
        party('reader 9', 9, { token: 4294967298, mode: 'read', isClosed: true }),
      ],
      waiters: [],
    },
  ],
  orders: [{ from: 'device_hotplug_lock', to: 'mem_hotplug_lock' }],
  unsettled: 'the agent of worker-1 does not answer',
});

describe('renderLocks', () => {
  it('shows holders, then waiters in order, in columns that line up', () => {
    const expected = [
      'worker-1: epoch 2, granting',
      '  LOCK                  STATE     MODE    AGE     TOKEN        PURPOSE           WORKFLOW',
      '  device_hotplug_lock   held      write   12s     4294967297   online memory32   c/memoryblock/worker-1/32',
      '  device_hotplug_lock   waits 1   write   3m20s                offline memory7   c/memoryblock/worker-1/7',
      '  device_hotplug_lock   waits 2   write   3s                   add memory33      c/memoryblock/worker-1/33',
      '  mem_hotplug_lock      suspect   read    5s      4294967299   reader 8          c/memoryblock/worker-1/8',
      '  mem_hotplug_lock      closed    read    9s      4294967298   reader 9          c/memoryblock/worker-1/9',
      '  suspect: mem_hotplug_lock, reader 8: the CLI on host-1 is not heard of',
      "  closed: mem_hotplug_lock, reader 9: its workflow has ended; held until the node's agent confirms that nothing goes on",
      '  Closed holders are not settled: the agent of worker-1 does not answer',
      '  order: device_hotplug_lock → mem_hotplug_lock',
      '',
    ];
    assert.deepEqual(show(BUSY).split('\n'), expected);
  });

  it('adds the runs when asked for more', () => {
    const text = renderLocks([BUSY], { nowMs: NOW_MS, isWide: true });
    assert.match(text, /WORKFLOW +RUN\n/);
    assert.match(text, /run-offline memory7\n/);
  });

  it('says in words that no lock is held', () => {
    assert.equal(show(answer()), 'worker-1: epoch 2, granting; no lock is held\n');
  });

  it('says in words that nothing is granted yet', () => {
    const text = show(answer({ isRecovering: true }));
    assert.match(text, /^worker-1: epoch 2, recovering\n.*Nothing is granted until/);
    assert.doesNotMatch(text, /no lock is held/, 'which is not known');
  });

  it('shows a lockdep report with both chains', () => {
    const holder = (purpose: string) => ({ workflowId: `c/direct/${purpose}`, runId: purpose, purpose });
    const chains = [
      {
        ...holder('add'),
        held: [{ name: 'mem_hotplug_lock', mode: 'write' as const }],
        wanted: 'device_lock/memory32',
      },
      {
        ...holder('online'),
        held: [{ name: 'device_lock/memory32', mode: 'read' as const }],
        wanted: 'mem_hotplug_lock',
      },
    ];
    const report = { cycle: ['mem_hotplug_lock', 'device_lock'], chains, message: 'not shown' };
    assert.deepEqual(
      show(answer({ lockdep: [report] }))
        .split('\n')
        .slice(1, -1),
      [
        '  lockdep: possible circular locking dependency: mem_hotplug_lock → device_lock → mem_hotplug_lock',
        '    WHO      HELD                     ASKED FOR              WORKFLOW',
        '    add      mem_hotplug_lock         device_lock/memory32   c/direct/add',
        '    online   device_lock/memory32:r   mem_hotplug_lock       c/direct/online',
        '    No lock was held by all of them: sooner or later they wait for each other.',
      ],
    );
  });

  it('says why there is nothing to show of a node', () => {
    const text = show(
      { node: 'a', kind: 'never-ran' },
      { node: 'b', kind: 'closed' },
      { node: 'c', kind: 'silent', reason: 'Does an operator run?' },
    );
    assert.match(text, /^a: no lock workflow; nobody has asked for a lock yet, or its history was deleted\.$/m);
    assert.match(text, /^b: the lock workflow is closed\.\n {2}The next request starts a new one/m);
    assert.match(text, /^c: not known\. Does an operator run\?$/m);
    assert.match(show(), /^No NodeMemory/);
  });
});

describe('renderHolders', () => {
  it('names holder, token and run of one lock, and no waiter', () => {
    const text = renderHolders(BUSY, 'device_hotplug_lock', NOW_MS);
    assert.match(text, /4294967297 +online memory32 .*run-online memory32$/m);
    assert.doesNotMatch(text, /waits|mem_hotplug/);
  });

  it('says when nobody holds it', () => {
    assert.equal(
      renderHolders(BUSY, 'device_lock/memory1', NOW_MS),
      'Nobody holds device_lock/memory1 of worker-1 now.',
    );
  });
});
