import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { MemoryNotify } from '../../../src/contract/notifier.ts';
import { isVetoable, MEMORY_ACTIONS } from '../../../src/kernel/memory-action.ts';
import { leaseStep, type LeaseStep } from '../../../src/plugins/node-lease/lease-step.ts';
import type { NodeLease } from '../../../src/plugins/node-leases.ts';
import { memoryNotify } from '../../support/notifier-call.ts';

const NOW_MS = Date.parse('2026-01-01T12:00:00Z');
const TERMS = { namespace: 'medik8s-leases', holder: 'memory-hotplug-operator', durationSeconds: 3600 };
const HOUR_MS = 3_600_000;

const holder = fc.constantFrom(TERMS.holder, 'node-maintenance');
const timeMs = fc.integer({ min: NOW_MS - 2 * HOUR_MS, max: NOW_MS + HOUR_MS });
const token = fc.integer({ min: 0, max: 4 });
const runId = fc.constantFrom('run-1', 'run-2');
const lease: fc.Arbitrary<NodeLease> = fc
  .record(
    {
      version: fc.constant('7'),
      holder,
      durationSeconds: fc.integer({ min: 1, max: 7200 }),
      acquireMs: timeMs,
      renewMs: timeMs,
      transitions: fc.nat(9),
      operation: fc.record({ workflowId: fc.constant('w'), runId, token }),
    },
    { requiredKeys: ['version', 'transitions'] },
  )
  .map((fields) => ({ namespace: TERMS.namespace, node: 'worker-1', ...fields }));
const seen = fc.option(lease, { nil: undefined });
const event: fc.Arbitrary<MemoryNotify> = fc
  .record({ action: fc.constantFrom(...MEMORY_ACTIONS), runId, token, dryRun: fc.boolean() })
  .map(({ token: of, ...rest }) => memoryNotify({ ...rest, tokens: { device_hotplug_lock: of } }));
const going = event.filter(({ action }) => isVetoable(action));
const ending = event.filter(({ action }) => !isVetoable(action));

/** As medik8s decides it: renewed, for so long, and not over. */
function isForeignAndValid(at: NodeLease | undefined): boolean {
  if (at?.holder === undefined || at.holder === TERMS.holder) return false;
  return (
    at.renewMs !== undefined && at.durationSeconds !== undefined && at.renewMs + at.durationSeconds * 1000 >= NOW_MS
  );
}

function writtenBy(step: LeaseStep): NodeLease | undefined {
  return step.kind === 'write' ? step.lease : undefined;
}

function at(given: NodeLease | undefined, told: MemoryNotify, nowMs = NOW_MS): LeaseStep {
  return leaseStep(given, told, TERMS, nowMs);
}

describe('leaseStep', () => {
  it('never writes over a valid Lease of somebody else, and vetoes a GOING action then, naming the holder', () => {
    fc.assert(
      fc.property(seen.filter(isForeignAndValid), event, (given, told) => {
        const step = at(given, told);
        assert.ok(step.kind === 'answer');
        const { result, errno, outlook, reason = '', retryAfterSeconds = 0 } = step.answer;
        if (!isVetoable(told.action)) {
          assert.equal(result, 'NOTIFY_DONE');
          return;
        }
        assert.deepEqual([result, errno, outlook], ['NOTIFY_BAD', 'EBUSY', 'Deferred']);
        assert.match(reason, /medik8s-leases\/node-worker-1 is held by node-maintenance/);
        assert.ok(retryAfterSeconds >= 1 && retryAfterSeconds <= 300);
      }),
    );
  });

  it('takes a Lease that is free, over or ours, in full, for a GOING action', () => {
    const isTakeable = (given: NodeLease | undefined) => !isForeignAndValid(given) && given?.operation === undefined;
    fc.assert(
      fc.property(seen.filter(isTakeable), going, (given, told) => {
        const step = at(given, told);
        assert.equal(step.answer.result, 'NOTIFY_OK');
        const { workflowId, runId: run, tokens } = told;
        const isOurs = given?.holder === TERMS.holder;
        assert.deepEqual(writtenBy(step), {
          namespace: TERMS.namespace,
          node: 'worker-1',
          ...(given && { version: given.version }),
          holder: TERMS.holder,
          durationSeconds: TERMS.durationSeconds,
          acquireMs: NOW_MS,
          renewMs: NOW_MS,
          transitions: given ? given.transitions + (isOurs ? 0 : 1) : 0,
          operation: { workflowId, runId: run, token: tokens['device_hotplug_lock'] },
        });
      }),
    );
  });

  it('gives back only what the operation itself or an earlier one took', () => {
    fc.assert(
      fc.property(seen, ending, (given, told) => {
        const taken = given?.holder === TERMS.holder ? given.operation : undefined;
        const mayFree =
          taken && (taken.runId === told.runId || taken.token <= (told.tokens['device_hotplug_lock'] ?? 0));
        const freed = given && { namespace: given.namespace, node: given.node, version: given.version };
        assert.deepEqual(
          writtenBy(at(given, told)),
          mayFree ? { ...freed, transitions: given?.transitions } : undefined,
        );
      }),
    );
  });

  it('answers a repeat as it answered the first time, and keeps the time of acquisition', () => {
    fc.assert(
      fc.property(seen, event, fc.integer({ min: 0, max: HOUR_MS }), (given, told, laterMs) => {
        const first = at(given, told);
        const stored = writtenBy(first);
        const second = at(stored ?? given, told, NOW_MS + (stored ? laterMs : 0));
        if (isVetoable(told.action)) assert.deepEqual(second.answer, first.answer);
        else assert.ok(second.kind === 'answer' && second.answer.result === 'NOTIFY_DONE');
        if (stored?.acquireMs !== undefined) assert.equal(writtenBy(second)?.acquireMs, stored.acquireMs);
      }),
    );
  });

  it('leaves the Lease of the present operation alone when an earlier one is heard late, whatever it says', () => {
    const present = memoryNotify({ runId: 'present', tokens: { device_hotplug_lock: 9 } });
    fc.assert(
      fc.property(event, fc.integer({ min: 0, max: HOUR_MS }), (told, laterMs) => {
        const held = writtenBy(at(undefined, present));
        const late = at(held, { ...told, dryRun: false }, NOW_MS + laterMs);
        assert.equal(late.kind, 'answer');
        if (isVetoable(told.action)) assert.equal(late.answer.errno, 'ESTALE');
        const end = writtenBy(at(held, { ...present, action: 'MEM_OFFLINE' }, NOW_MS + laterMs));
        assert.ok(end && end.holder === undefined);
      }),
    );
  });

  it('lets whoever tells how a dead operation came out give back what that one took', () => {
    const held = writtenBy(at(undefined, memoryNotify({ runId: 'dead', tokens: { device_hotplug_lock: 4 } })));
    const told = memoryNotify({ action: 'MEM_CANCEL_OFFLINE', runId: 'other', tokens: { device_hotplug_lock: 5 } });
    assert.equal(at(held, told).kind, 'write');
  });

  it('agrees to a dry run while one of our operations holds the Lease', () => {
    const held = writtenBy(at(undefined, memoryNotify({ tokens: { device_hotplug_lock: 4 } })));
    assert.equal(at(held, memoryNotify({ runId: '', dryRun: true })).answer.result, 'NOTIFY_OK');
  });

  it('holds a Lease until its last moment, and asks to come back right after it', () => {
    const given = { namespace: 'n', node: 'worker-1', version: '1', holder: 'other', transitions: 0 };
    const held = { ...given, renewMs: NOW_MS, durationSeconds: 60 };
    const last = at(held, memoryNotify(), NOW_MS + 60_000);
    assert.deepEqual([last.answer.errno, last.answer.retryAfterSeconds], ['EBUSY', 1]);
    assert.equal(at(held, memoryNotify(), NOW_MS + 60_001).answer.result, 'NOTIFY_OK');
    assert.equal(at(held, memoryNotify(), NOW_MS + 20_000).answer.retryAfterSeconds, 41);
  });
});
