import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { OperationOutcome } from '../../src/contract/operations.ts';
import type { Condition, MemoryBlock, MemoryBlockStatus } from '../../src/contract/resources.ts';
import { backoffMs, jitteredBackoffMs } from '../../src/controller/backoff.ts';
import { eventOf } from '../../src/controller/event-of.ts';
import { isSameStatus, operatorFields } from '../../src/controller/operator-fields.ts';
import type { Action } from '../../src/controller/plan.ts';
import { applyOutcome, lostOutcome } from '../../src/controller/record-outcome.ts';
import { summarize } from '../../src/controller/summarize.ts';
import { blockOf, BOOT } from '../support/block-fixtures.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const VETO: OperationOutcome = {
  type: 'offline',
  result: 'Vetoed',
  errno: 'EBUSY',
  message: 'vetoed by capacity-guard at MEM_GOING_OFFLINE (EBUSY): 3 pods no longer fit',
  notifiers: [
    { name: 'other', action: 'MEM_GOING_OFFLINE', result: 'NOTIFY_OK' },
    { name: 'capacity-guard', action: 'MEM_GOING_OFFLINE', result: 'NOTIFY_BAD', errno: 'EBUSY' },
    { name: 'other', action: 'MEM_CANCEL_OFFLINE', result: 'NOTIFY_OK' },
  ],
  chain: 'chain-1',
  fencingToken: 7,
};
const VETO_BY_ANOTHER = 'vetoed by fault-injection at MEM_GOING_OFFLINE (EBUSY): injected EBUSY';
const DONE: OperationOutcome = { type: 'offline', result: 'Succeeded', message: 'done', notifiers: [] };

function ended(outcome: OperationOutcome, runId = 'run-1', nowMs = NOW, generation = 1) {
  return { outcome, runId, generation, nowMs };
}

function conditionOf(status: MemoryBlockStatus, type: string): Condition {
  const found = status.conditions?.find((condition) => condition.type === type);
  assert.ok(found, `no condition ${type}`);
  return found;
}

function after(block: MemoryBlock, action: Action, nowMs = NOW): MemoryBlockStatus {
  return summarize({ block, action, nowMs });
}

const SETTLED: Action = { kind: 'settled', reason: 'Settled', message: 'the block is online' };
const VETOED: Action = { kind: 'wait', reason: 'Vetoed', message: VETO.message, untilMs: NOW + 5_000 };

describe('the outcome of an operation', () => {
  const operation = { type: 'offline', workflowId: 'w', runId: 'run-1', startTime: '2026-01-01T11:59:00Z' } as const;

  it('ends the operation, says how it went and when the next try is', () => {
    const status = applyOutcome({ state: 'online', operation, fencingToken: 5 }, ended(VETO));
    assert.equal(status.operation, undefined);
    assert.deepEqual(status.lastOperation, {
      type: 'offline',
      result: 'Vetoed',
      runId: 'run-1',
      errno: 'EBUSY',
      message: VETO.message,
      completionTime: '2026-01-01T12:00:00.000Z',
      generation: 1,
    });
    assert.deepEqual(status.retry, { count: 1, nextTime: '2026-01-01T12:00:05.000Z', chain: 'chain-1' });
    assert.deepEqual(
      status.notifiers?.map(({ retryTime }) => retryTime),
      [undefined, status.retry.nextTime, undefined],
    );
    assert.equal(status.fencingToken, 7);
    assert.equal(status.state, 'online');
  });

  it('written twice is written once', () => {
    fc.assert(
      fc.property(fc.constantFrom(VETO, DONE), fc.nat(1e7), (outcome, laterMs) => {
        const once = applyOutcome({ operation }, ended(outcome));
        assert.deepEqual(applyOutcome(once, ended(outcome, 'run-1', NOW + laterMs)), once);
      }),
    );
  });

  it('of an older run leaves the operation that runs now, and no token ever falls', () => {
    const status = applyOutcome({ operation: { ...operation, runId: 'run-2' }, fencingToken: 9 }, ended(VETO));
    assert.equal(status.operation?.runId, 'run-2');
    assert.equal(status.fencingToken, 9);
  });

  it('that a later operation has overtaken does not replace what that one wrote', () => {
    const later = applyOutcome({}, ended({ ...DONE, fencingToken: 9 }, 'run-2'));
    const status = applyOutcome({ ...later, operation }, ended({ ...VETO, fencingToken: 7 }));
    assert.deepEqual([status.lastOperation?.runId, status.fencingToken, status.retry], ['run-2', 9, undefined]);
    assert.equal(status.operation, undefined, 'its own operation has ended all the same');
  });

  it('that failed is tried again later and later, at most five minutes, until one succeeds or the spec changes', () => {
    let status: MemoryBlockStatus = {};
    let lastDelayMs = 0;
    for (let failure = 1; failure <= 20; failure++) {
      status = applyOutcome(status, ended(VETO, `run-${String(failure)}`));
      const delayMs = Date.parse(status.retry?.nextTime ?? '') - NOW;
      assert.ok(delayMs >= lastDelayMs && delayMs <= 300_000);
      assert.equal(status.retry?.count, failure);
      lastDelayMs = delayMs;
    }
    assert.equal(lastDelayMs, 300_000);
    assert.equal(applyOutcome(status, ended(VETO, 'edited', NOW, 2)).retry?.count, 1);
    assert.equal(applyOutcome(status, ended(DONE, 'done')).retry, undefined);
    assert.equal(applyOutcome(status, ended({ ...DONE, result: 'Superseded' }, 'superseded')).retry, undefined);
  });

  it('is tried again when the plugin said', () => {
    const { retry } = applyOutcome({}, ended({ ...VETO, retryAfterSeconds: 42 }));
    assert.equal(retry?.nextTime, '2026-01-01T12:00:42.000Z');
  });

  it('can be written and told, however much a plugin said: the next try still fits into an event', () => {
    const endless = '超'.repeat(20_000);
    const calls = Array.from({ length: 2_000 }, () => ({ ...VETO.notifiers[0]!, reason: endless }));
    const told = applyOutcome({}, ended({ ...VETO, message: `${VETO.message}${endless}`, notifiers: calls }));
    const { notifiers = [], lastOperation } = told;
    assert.ok(Buffer.byteLength(JSON.stringify(notifiers)) < 1024 * 1024);
    const { message = '' } = lastOperation ?? {};
    assert.ok(message.startsWith(VETO.message) && message.endsWith('…'));
    const status = after(blockOf({}, told), { ...VETOED, message });
    const note = eventOf(blockOf(), status)?.note ?? '';
    assert.match(note, /will be tried again at 2026-01-01T12:00:05Z/);
    assert.ok(Buffer.byteLength(note) <= 1024);
  });

  it('that nobody wrote is Unknown and says what became of the run', () => {
    const { lastOperation } = applyOutcome({ operation }, ended(lostOutcome(operation, 'TERMINATED')));
    assert.equal(lastOperation?.result, 'Unknown');
    assert.match(lastOperation.message, /run-1 was closed \(TERMINATED\)/);
  });
});

describe('a backoff', () => {
  it('never shrinks, never exceeds its maximum, and is jittered by at most half', () => {
    const backoff = fc.record({ baseMs: fc.integer({ min: 1, max: 1e4 }), maxMs: fc.integer({ min: 1e4, max: 1e6 }) });
    fc.assert(
      fc.property(backoff, fc.nat(100), fc.double({ min: 0, max: 1, noNaN: true }), (limits, failures, chance) => {
        const delayMs = backoffMs(limits, failures);
        assert.ok(delayMs <= backoffMs(limits, failures + 1) && delayMs <= limits.maxMs);
        const jitteredMs = jitteredBackoffMs(limits, failures, () => chance);
        assert.ok(jitteredMs >= delayMs / 2 && jitteredMs <= delayMs);
      }),
    );
  });
});

describe('the conditions of a block', () => {
  it('carry the generation that was judged, so that kubectl wait takes none from before an edit', () => {
    const status = after(blockOf({ state: 'online' }, { state: 'online' }, { generation: 4 }), SETTLED);
    assert.equal(status.observedGeneration, 4);
    assert.equal(status.conditions?.length, 5);
    for (const condition of status.conditions) assert.equal(condition.observedGeneration, 4);
  });

  it('remember at which generation and boot the block was Ready', () => {
    const ready = after(blockOf({ state: 'online' }, { state: 'online' }, { generation: 4 }), SETTLED);
    assert.deepEqual([ready.readyGeneration, ready.readyBootId], [4, BOOT]);
    const edited = after(blockOf({ state: 'offline' }, ready, { generation: 5 }), VETOED);
    assert.deepEqual([edited.readyGeneration, edited.readyBootId], [4, BOOT]);
  });

  it('name the plugin of a veto and the next try', () => {
    const ready = conditionOf(after(blockOf({ state: 'offline' }, { state: 'online' }), VETOED), 'Ready');
    assert.equal(ready.status, 'False');
    assert.equal(ready.reason, 'Vetoed');
    assert.equal(ready.message, `${VETO.message}; will be tried again at 2026-01-01T12:00:05Z`);
  });

  it('say what ends the wait after a veto before its time, Stalled or not', () => {
    const next = 'will be tried again at 2026-01-01T13:00:00Z, or as soon as its MemoryNotifiers change';
    for (const [reason, type] of [
      ['Vetoed', 'Reconciling'],
      ['Deferred', 'Reconciling'],
      ['Infeasible', 'Stalled'],
    ] as const) {
      const outcome = { ...VETO, ...(reason === 'Vetoed' ? {} : { cause: reason }) };
      const block = blockOf({ state: 'offline' }, applyOutcome({ state: 'online' }, ended(outcome)));
      const status = after(block, { kind: 'wait', reason, message: VETO.message, untilMs: NOW + 3_600_000 });
      for (const shown of [conditionOf(status, 'Ready'), conditionOf(status, type)]) {
        assert.deepEqual([shown.reason, shown.message], [reason, `${VETO.message}; ${next}`]);
      }
      assert.equal(eventOf(block, status)?.note, `${VETO.message}; ${next}`);
    }
  });

  it('are Stalled only where a person must act, and Reconciling only where the operator does', () => {
    const block = blockOf({ state: 'online_movable' }, { state: 'online', zone: 'Normal' });
    const expected: [Action, stalled: string, reconciling: string][] = [
      [SETTLED, 'False', 'False'],
      [VETOED, 'False', 'True'],
      [{ kind: 'wait', reason: 'ZoneMismatch', message: 'wrong zone' }, 'True', 'False'],
      [{ kind: 'wait', reason: 'Paused', message: 'paused' }, 'True', 'False'],
      [{ kind: 'wait', reason: 'TemporalUnavailable', message: 'down' }, 'False', 'True'],
    ];
    for (const [action, stalled, reconciling] of expected) {
      const status = after(block, action);
      assert.equal(conditionOf(status, 'Stalled').status, stalled, JSON.stringify(action));
      assert.equal(conditionOf(status, 'Reconciling').status, reconciling, JSON.stringify(action));
    }
  });

  it('are Stalled by an errno that the same attempt would meet again', () => {
    const status = applyOutcome(
      { state: 'offline' },
      ended({ ...DONE, result: 'Failed', errno: 'EINVAL', message: 'holes' }),
    );
    const action: Action = { kind: 'wait', reason: 'Failed', message: 'holes', untilMs: NOW + 5_000 };
    assert.equal(conditionOf(after(blockOf({ state: 'online' }, status), action), 'Stalled').status, 'True');
  });

  it('change lastTransitionTime only with their status, and nothing at all when nothing changed', () => {
    const first = after(blockOf({ state: 'online' }, { state: 'online' }), SETTLED);
    const second = after(blockOf({ state: 'online' }, first), SETTLED, NOW + 60_000);
    assert.ok(isSameStatus(first, second));
    const third = after(blockOf({ state: 'online' }, second), VETOED, NOW + 60_000);
    assert.equal(conditionOf(third, 'Ready').lastTransitionTime, '2026-01-01T12:01:00Z');
    assert.equal(conditionOf(third, 'Online').lastTransitionTime, '2026-01-01T12:00:00Z');
  });

  it('keep the reason of the last failure while the operation is tried again', () => {
    const memo = { type: 'offline', uid: 'uid-32', generation: 1 } as const;
    const action: Action = { kind: 'observe', operation: { workflowId: 'w', runId: 'r', startTime: '', memo } };
    const failed = blockOf({ state: 'offline' }, applyOutcome({ state: 'online' }, ended(VETO)));
    assert.equal(conditionOf(after(failed, action), 'Ready').reason, 'Vetoed');
    const edited = blockOf({ state: 'offline' }, failed.status, { generation: 2 });
    assert.equal(conditionOf(after(edited, action), 'Ready').reason, 'Operating');
  });

  it('name the agent while an operation waits for it', () => {
    const running = {
      workflowId: 'w',
      runId: 'run-1',
      startTime: '2026-01-01T11:59:00Z',
      memo: { type: 'online' },
    } as const;
    const status = summarize({
      block: blockOf({ state: 'online' }, { state: 'offline' }),
      action: { kind: 'observe', operation: running },
      progress: {
        phase: 'WaitingForAgent',
        since: '2026-01-01T11:59:30Z',
        detail: 'the agent of worker-1 does not answer',
      },
      nowMs: NOW,
    });
    const ready = conditionOf(status, 'Ready');
    assert.deepEqual([ready.status, ready.reason], ['False', 'AgentUnavailable']);
    assert.match(ready.message, /the agent of worker-1 does not answer/);
  });

  it('leave the phase that the operation itself has written, until a newer one is known', () => {
    const operation = { type: 'online', workflowId: 'w', runId: 'run-1', startTime: '2026-01-01T11:59:00Z' } as const;
    const block = blockOf({ state: 'online' }, { state: 'offline', operation: { ...operation, phase: 'Driving' } });
    const running = (runId: string): Action => ({
      kind: 'observe',
      operation: { ...operation, runId, memo: { type: 'online' } },
    });
    assert.equal(after(block, running('run-1')).operation?.phase, 'Driving');
    assert.equal(after(block, running('run-2')).operation?.phase, undefined);
  });

  it('say which processes of the node an operation waits for', () => {
    const memo = { type: 'offline', generation: 1 } as const;
    const detail = 'rsync (pid 123) since 12:01:07Z';
    const status = summarize({
      block: blockOf({ state: 'offline' }, { state: 'online' }),
      action: { kind: 'observe', operation: { workflowId: 'w', runId: 'r', startTime: '', memo } },
      progress: { phase: 'WaitingForReaders', since: '2026-01-01T12:01:07Z', detail },
      nowMs: NOW,
    });
    const ready = conditionOf(status, 'Ready');
    assert.equal(ready.reason, 'WaitingForReaders');
    assert.equal(ready.message, `offline: WaitingForReaders since 12:01:07Z (${detail})`);
    assert.equal(status.operation?.phase, 'WaitingForReaders');
  });

  it('say who holds the locks that an operation waits for', () => {
    const memo = { type: 'online', generation: 1 } as const;
    const operation = { workflowId: 'w', runId: 'r', startTime: '', memo };
    const status = summarize({
      block: blockOf({ state: 'online' }, { state: 'offline' }),
      action: { kind: 'observe', operation },
      progress: {
        phase: 'WaitingForLocks',
        since: '2026-01-01T11:59:00Z',
        holders: ['offline memory33 holds device_hotplug_lock'],
      },
      nowMs: NOW,
    });
    const ready = conditionOf(status, 'Ready');
    assert.equal(ready.reason, 'WaitingForLocks');
    assert.match(ready.message, /offline memory33 holds device_hotplug_lock/);
    assert.equal(status.operation?.phase, 'WaitingForLocks');
  });
});

describe('the fields that the operator writes', () => {
  it('leave out those of the agent', () => {
    const status = {
      state: 'online',
      zone: 'Normal',
      physicalAddress: '0x0',
      blockSize: '128Mi',
      fencingToken: 3,
    } as const;
    assert.deepEqual(operatorFields(status), { fencingToken: 3 });
  });
});

describe('the event of a status change', () => {
  const block = blockOf({ state: 'offline' }, { state: 'online' });
  const withStatus = (status: MemoryBlockStatus): MemoryBlock => ({ ...block, status });
  const vetoed = after(withStatus(applyOutcome({ state: 'online' }, ended(VETO))), VETOED);

  it('is told when the reason changes', () => {
    const event = eventOf(block, vetoed);
    assert.equal(event?.reason, 'Vetoed');
    assert.equal(event.type, 'Warning');
    assert.match(event.note, /capacity-guard/);
  });

  it('is not told when only the time of the next try changes', () => {
    const later = after(withStatus(vetoed), { ...VETOED, untilMs: NOW + 10_000 });
    assert.equal(eventOf(withStatus(vetoed), later), undefined);
  });

  it('is told when another plugin vetoes, though the outcome is in the status before anybody tells of it', () => {
    const recorded = withStatus(applyOutcome(vetoed, ended({ ...VETO, message: VETO_BY_ANOTHER }, 'run-2')));
    const told = after(recorded, { ...VETOED, message: VETO_BY_ANOTHER });
    assert.match(eventOf(recorded, told)?.note ?? '', /fault-injection/);
    assert.equal(
      eventOf(withStatus(told), after(withStatus(told), { ...VETOED, message: VETO_BY_ANOTHER })),
      undefined,
    );
  });

  it('has one key for one change of one version of the object', () => {
    assert.equal(eventOf(block, vetoed)?.key, eventOf(block, vetoed)?.key);
    const newer = { ...block, metadata: { ...block.metadata, resourceVersion: '2' } };
    assert.notEqual(eventOf(newer, vetoed)?.key, eventOf(block, vetoed)?.key);
  });

  it('is told if and only if the reason or the vetoer changed, for all that is worth telling', () => {
    const reasons = fc.constantFrom('Settled', 'Operating', 'Vetoed', 'Failed', 'Paused');
    fc.assert(
      fc.property(reasons, reasons, (before, next) => {
        const ready = (reason: string): MemoryBlockStatus => ({
          conditions: [{ type: 'Ready', status: 'False', reason, message: '', lastTransitionTime: '' }],
        });
        assert.equal(eventOf(withStatus(ready(before)), ready(next)) !== undefined, before !== next);
      }),
    );
  });
});
