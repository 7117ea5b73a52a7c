import assert from 'node:assert/strict';
import { renderExplanation } from '../../src/cli/render-explanation.ts';
import { locksOf, wouldGoThrough, type ExplainedCall, type Explanation } from '../../src/contract/explain.ts';
import type { NodeLocksAnswer } from '../../src/temporal/lock-service-client.ts';

const NOW_MS = Date.parse('2026-01-01T12:00:00Z');

function call(name: string, more: Partial<ExplainedCall> = {}): ExplainedCall {
  return { name, action: 'MEM_GOING_OFFLINE', result: 'NOTIFY_OK', isVeto: false, target: name, priority: 0, ...more };
}

const OFFLINE = {
  type: 'offline',
  why: 'the block is online',
  action: 'MEM_GOING_OFFLINE',
  locks: locksOf('offline', 32),
} as const;

function explanation(calls: readonly ExplainedCall[], more: Partial<Explanation> = {}): Explanation {
  const block = { node: 'worker-1', blockId: 32, name: 'worker-1-memory32', isRegistered: true } as const;
  return {
    kind: 'explained',
    block: { ...block, state: 'online', zone: 'Movable', goal: 'online_movable' },
    to: 'offline',
    operations: [{ ...OFFLINE, calls }],
    obstacles: [],
    end: 'the block is offline',
    notes: [],
    ...more,
  };
}

const HELD: NodeLocksAnswer = {
  node: 'worker-1',
  kind: 'table',
  table: {
    node: 'worker-1',
    epoch: 1,
    isRecovering: false,
    orders: [],
    lockdep: [],
    locks: [
      {
        name: 'mem_hotplug_lock',
        holders: [
          {
            workflowId: 'c/memoryblock/worker-1/40',
            runId: 'r',
            purpose: 'add memory40',
            mode: 'write',
            since: new Date(NOW_MS - 12_000).toISOString(),
            token: 4294967297,
          },
        ],
        waiters: [],
      },
      { name: 'device_lock/memory40', holders: [], waiters: [] },
    ],
  },
};
const NEVER_RAN: NodeLocksAnswer = { node: 'worker-1', kind: 'never-ran' };

const show = (told: Explanation, locks?: NodeLocksAnswer): string[] =>
  renderExplanation(told, locks, NOW_MS).split('\n');

describe('renderExplanation', () => {
  it('tells what would come, who objects in chain order, where the real walk ends, and which locks are held by whom', () => {
    const told = explanation(
      [
        call('audit', { reason: 'noted' }),
        call('db-guard', {
          target: 'https://db.example/notify',
          result: 'NOTIFY_BAD',
          errno: 'EBUSY',
          isVeto: true,
          reason: '2 GiB of buffers are pinned here',
          retryAfterSeconds: 30,
          outlook: 'Deferred',
        }),
        call('freeze', {
          result: 'NOTIFY_BAD',
          errno: 'EPERM',
          isVeto: true,
          behind: 'db-guard',
          reason: 'until Monday',
        }),
        call('metrics', { result: 'Error', behind: 'db-guard', reason: 'did not answer in time' }),
      ],
      {
        obstacles: [
          { reason: 'Paused', message: 'offline is wanted; remove annotation memoryhotplug.io/paused to go on' },
        ],
        notes: ['The last try ended with: EBUSY.'],
      },
    );
    assert.deepEqual(show(told, HELD), [
      'Memory block 32 of worker-1 is online in zone Movable; MemoryBlock worker-1-memory32 asks for online_movable.',
      '',
      'To make it offline, this would be done:',
      '  1. offline: the block is online',
      'It would not go through:',
      '  Paused: offline is wanted; remove annotation memoryhotplug.io/paused to go on',
      '  db-guard would veto MEM_GOING_OFFLINE (EBUSY): 2 GiB of buffers are pinned here',
      '  freeze would veto MEM_GOING_OFFLINE (EPERM), once db-guard has no objection any more: until Monday',
      '',
      'MEM_GOING_OFFLINE, asked as a dry run in chain order:',
      '  ORDER   NAME       TARGET                      VERDICT                              ANSWER             RETRY AFTER   REASON',
      '  1       audit      audit                       agrees                               NOTIFY_OK                        noted',
      '  2       db-guard   https://db.example/notify   veto                                 NOTIFY_BAD EBUSY   30s           Deferred: 2 GiB of buffers are pinned here',
      '  3       freeze     freeze                      veto (not asked after db-guard)      NOTIFY_BAD EPERM                 until Monday',
      '  4       metrics    metrics                     skipped (not asked after db-guard)   Error                            did not answer in time',
      '',
      'Locks of worker-1 that it would ask for:',
      '  LOCK               STATE   MODE    AGE   TOKEN        PURPOSE        WORKFLOW',
      '  mem_hotplug_lock   held    write   12s   4294967297   add memory40   c/memoryblock/worker-1/40',
      '  free: device_hotplug_lock, device_lock/memory32',
      '  Processes on the node that hold its memory in place (memhp online-mems) show only while a writer waits for them.',
      '',
      'Note: The last try ended with: EBUSY.',
      '',
    ]);
    assert.equal(wouldGoThrough(told), false);
  });

  it('says that nobody would object, although the locks are not known', () => {
    const told = explanation([]);
    assert.deepEqual(show(told, NEVER_RAN).slice(2), [
      'To make it offline, this would be done:',
      '  1. offline: the block is online',
      'Nobody would object.',
      '',
      'MEM_GOING_OFFLINE: no notifier is registered for it.',
      '',
      'Locks of worker-1 that it would ask for:',
      '  worker-1: no lock workflow; nobody has asked for a lock yet, or its history was deleted.',
      '  Processes on the node that hold its memory in place (memhp online-mems) show only while a writer waits for them.',
      '',
    ]);
    assert.equal(wouldGoThrough(told), true);
  });

  it('says that nothing would be done, and asks for no locks', () => {
    const told = explanation([], { operations: [], to: 'online', end: 'the block is online' });
    assert.deepEqual(show(told).slice(2), ['To make it online, nothing would be done: the block is online.', '']);
    assert.equal(wouldGoThrough(told), true);
  });

  it('does not count a veto behind NOTIFY_STOP, nor one of an automatic online that is undone afterwards', () => {
    const stop = call('allow', { result: 'NOTIFY_STOP' });
    const never = call('freeze', { result: 'NOTIFY_BAD', errno: 'EPERM', isVeto: true, behind: 'allow' });
    assert.equal(wouldGoThrough(explanation([stop, never])), true);
    assert.match(show(explanation([stop, never]), HELD).join('\n'), /allow +allow +agrees, ends it +NOTIFY_STOP/);

    const veto = call('freeze', { result: 'NOTIFY_BAD', errno: 'EPERM', isVeto: true });
    const automatic = {
      ...OFFLINE,
      type: 'online',
      action: 'MEM_GOING_ONLINE',
      isAutomatic: true,
      calls: [veto],
    } as const;
    const add = { type: 'add', why: 'there is no such block', locks: locksOf('add', 32) } as const;
    const brief = { ...OFFLINE, calls: [] };
    assert.equal(wouldGoThrough(explanation([], { operations: [add, automatic, brief] })), true);
    assert.equal(wouldGoThrough(explanation([], { operations: [add, automatic] })), false);
  });
});
