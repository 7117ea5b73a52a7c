import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FINALIZER, ORPHAN_ANNOTATION, PAUSED_ANNOTATION } from '../../src/contract/names.ts';
import type { LastOperation, MemoryBlock, MemoryBlockStatus, ObservedBlock } from '../../src/contract/resources.ts';
import { plan, type Action, type PlanInput, type RunningOperation } from '../../src/controller/plan.ts';
import { applyOutcome } from '../../src/controller/record-outcome.ts';
import { summarize } from '../../src/controller/summarize.ts';
import {
  beginTransition,
  MEMORY_BLOCK_STATES,
  type MemoryBlockState,
  type OperationType,
} from '../../src/kernel/memory-block.ts';
import { ZONES } from '../../src/kernel/zone.ts';
import { leaveOut } from '../../src/controller/leave-out.ts';
import { ALL_CAPABILITIES, blockOf, BOOT, CLUSTER, nodeMemoryOf } from '../support/block-fixtures.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const DELETED = { deletionTimestamp: '2026-01-01T11:59:00Z' };
const SIZE = 128 * 2 ** 20;

function input(block: MemoryBlock, more: Partial<PlanInput> = {}): PlanInput {
  return {
    cluster: CLUSTER,
    block,
    node: nodeMemoryOf(),
    isCrdTerminating: false,
    chain: 'chain-1',
    nowMs: NOW,
    ...more,
  };
}

/** The action as one word or two, for tables. */
function short(action: Action): string {
  if (action.kind === 'start') return `start ${action.request.type}`;
  if (action.kind === 'wait' || action.kind === 'settled') return action.reason;
  return action.kind;
}

function running(type: OperationType): RunningOperation {
  return {
    workflowId: 'w',
    runId: 'r',
    startTime: '2026-01-01T11:59:59Z',
    memo: { type, uid: 'uid-32', generation: 1 },
  };
}

function failedAt(generation: number, more: Partial<LastOperation> = {}): MemoryBlockStatus {
  return {
    state: 'offline',
    lastOperation: {
      type: 'online',
      result: 'Vetoed',
      message: 'vetoed by guard at MEM_GOING_ONLINE (EBUSY): full',
      completionTime: '2026-01-01T11:59:58Z',
      generation,
      ...more,
    },
    retry: { count: 1, nextTime: '2026-01-01T12:00:05Z', chain: 'chain-1' },
  };
}

describe('plan', () => {
  it('starts what is wanted, with the arguments of the spec', () => {
    const action = plan(input(blockOf({ state: 'online_movable', numaNode: 1 }, { state: 'absent' })));
    assert.ok(action.kind === 'start' && action.request.type === 'add');
    assert.deepEqual(action.request.input, {
      cluster: CLUSTER,
      node: 'worker-1',
      block: { name: 'worker-1-memory32', uid: 'uid-32', generation: 1 },
      lockTimeoutMs: 300_000,
      range: { start: 32 * SIZE, size: SIZE },
      numaNode: 1,
    });
  });

  const rows: [title: string, expected: string, input: PlanInput][] = [
    ['nothing asked for', 'ObserveOnly', input(blockOf({}, { state: 'offline' }))],
    ['as asked for', 'Settled', input(blockOf({ state: 'online' }, { state: 'online', zone: 'Normal' }))],
    ['not reported yet', 'AgentUnavailable', input(blockOf({ state: 'online' }))],
    [
      'node not reported yet',
      'AgentUnavailable',
      input(blockOf({ state: 'online' }, { state: 'offline' }), { node: undefined }),
    ],
    [
      'node gone',
      'NodeGone',
      input(blockOf({ state: 'online' }, { state: 'offline' }), { nodeGone: 'it was deleted' }),
    ],
    [
      'CRD being deleted',
      'Pending',
      input(blockOf({ state: 'online' }, { state: 'offline' }), { isCrdTerminating: true }),
    ],
    [
      'other block size',
      'BlockSizeChanged',
      input(blockOf({ state: 'online' }, { state: 'offline', blockSize: '2Gi' })),
    ],
    [
      'Remove without finalizer',
      'ensure-finalizer',
      input(blockOf({ state: 'online', deletionPolicy: 'Remove' }, { state: 'offline' }, { finalizers: [] })),
    ],
    [
      'Retain with finalizer',
      'drop-finalizer',
      input(blockOf({ state: 'online' }, { state: 'offline' }, { finalizers: [FINALIZER] })),
    ],
    [
      'paused',
      'Paused',
      input(blockOf({ state: 'online' }, { state: 'offline' }, { annotations: { [PAUSED_ANNOTATION]: 'true' } })),
    ],
    [
      'deleted with Retain',
      'drop-finalizer',
      input(blockOf({ state: 'offline' }, { state: 'online' }, { ...DELETED, finalizers: [FINALIZER] })),
    ],
    [
      'deleted with Remove, online',
      'start offline',
      input(blockOf({ state: 'online', deletionPolicy: 'Remove' }, { state: 'online', zone: 'Movable' }, DELETED)),
    ],
    [
      'deleted with Remove, offline',
      'start remove',
      input(blockOf({ state: 'online', deletionPolicy: 'Remove' }, { state: 'offline' }, DELETED)),
    ],
    [
      'deleted with Remove, gone',
      'drop-finalizer',
      input(blockOf({ state: 'online', deletionPolicy: 'Remove' }, { state: 'absent' }, DELETED)),
    ],
    [
      'deleted with Remove, our finalizer taken away',
      'Deleting',
      input(
        blockOf(
          { state: 'online', deletionPolicy: 'Remove' },
          { state: 'offline' },
          { ...DELETED, finalizers: ['other'] },
        ),
      ),
    ],
    [
      'deleted with Remove, not removable',
      'drop-finalizer',
      input(blockOf({ deletionPolicy: 'Remove' }, { state: 'offline' }, DELETED), {
        node: nodeMemoryOf({ ...ALL_CAPABILITIES, remove: false }),
      }),
    ],
    [
      'deleted with Remove, orphaned',
      'drop-finalizer',
      input(
        blockOf(
          { deletionPolicy: 'Remove' },
          { state: 'online' },
          { ...DELETED, annotations: { [ORPHAN_ANNOTATION]: 'host lost' } },
        ),
      ),
    ],
    [
      'deleted with Remove, node gone',
      'drop-finalizer',
      input(blockOf({ deletionPolicy: 'Remove' }, { state: 'online' }, DELETED), { nodeGone: 'it was deleted' }),
    ],
    [
      'deleted with Remove, CRD being deleted',
      'drop-finalizer',
      input(blockOf({ deletionPolicy: 'Remove' }, { state: 'online' }, DELETED), { isCrdTerminating: true }),
    ],
    [
      'running and wanted',
      'observe',
      input(blockOf({ state: 'online' }, { state: 'offline' }), { operation: running('online') }),
    ],
    [
      'add running on the way to online',
      'observe',
      input(blockOf({ state: 'online' }, { state: 'absent' }), { operation: running('add') }),
    ],
    [
      'running, spec changed to the opposite',
      'cancel',
      input(blockOf({ state: 'offline' }, { state: 'offline' }), { operation: running('online') }),
    ],
    [
      'running, spec.state taken away',
      'cancel',
      input(blockOf({}, { state: 'offline' }), { operation: running('online') }),
    ],
    [
      'running, deleted with Remove',
      'cancel',
      input(blockOf({ state: 'online', deletionPolicy: 'Remove' }, { state: 'offline' }, DELETED), {
        operation: running('online'),
      }),
    ],
    [
      'offline running, deleted with Remove',
      'observe',
      input(blockOf({ state: 'online', deletionPolicy: 'Remove' }, { state: 'online' }, DELETED), {
        operation: running('offline'),
      }),
    ],
    [
      'running on a node that is gone',
      'cancel',
      input(blockOf({ state: 'online' }, { state: 'offline' }), {
        operation: running('online'),
        nodeGone: 'it was deleted',
      }),
    ],
    ['vetoed before', 'Vetoed', input(blockOf({ state: 'online' }, failedAt(1)))],
    [
      'vetoed before, time has come',
      'start online',
      input(blockOf({ state: 'online' }, failedAt(1)), { nowMs: NOW + 5_000 }),
    ],
    [
      'vetoed before, spec changed',
      'start online',
      input(blockOf({ state: 'online' }, failedAt(1), { generation: 2 })),
    ],
    [
      'vetoed before, a notifier changed',
      'start online',
      input(blockOf({ state: 'online' }, failedAt(1)), { chain: 'chain-2' }),
    ],
    [
      'drifted',
      'Drifted',
      input(blockOf({ state: 'online' }, { state: 'offline', readyBootId: BOOT, readyGeneration: 1 })),
    ],
    [
      'drifted, to be corrected',
      'start online',
      input(
        blockOf(
          { state: 'online', driftPolicy: 'Correct' },
          { state: 'offline', readyBootId: BOOT, readyGeneration: 1 },
        ),
      ),
    ],
    [
      'changed by a reboot',
      'start online',
      input(blockOf({ state: 'online' }, { state: 'offline', readyBootId: 'boot-0', readyGeneration: 1 })),
    ],
    [
      'changed by a reboot that the NodeMemory does not show yet',
      'start online',
      input(
        blockOf({ state: 'online' }, { state: 'offline', bootId: 'boot-2', readyBootId: BOOT, readyGeneration: 1 }),
      ),
    ],
    [
      'Ready before the spec changed',
      'start offline',
      input(
        blockOf(
          { state: 'offline' },
          { state: 'online', zone: 'Normal', readyBootId: BOOT, readyGeneration: 1 },
          { generation: 2 },
        ),
      ),
    ],
    [
      'the same operation has just succeeded',
      'Pending',
      input(blockOf({ state: 'online' }, failedAt(1, { result: 'Succeeded' })), { nowMs: NOW - 1_000 }),
    ],
  ];
  for (const [title, expected, facts] of rows) {
    it(`${title} → ${expected}`, () => {
      assert.equal(short(plan(facts)), expected);
    });
  }

  it('settles an unfinished offline, but not one that has succeeded and is only reported late', () => {
    const leftBy = (result: 'Unknown' | 'Failed' | 'Succeeded') => {
      const last = {
        type: 'offline',
        result,
        message: '',
        completionTime: '2026-01-01T00:00:00Z',
        generation: 1,
      } as const;
      const action = plan(input(blockOf({ state: 'offline' }, { state: 'going-offline', lastOperation: last })));
      return action.kind === 'start' ? action.request.type : action.kind;
    };
    assert.deepEqual([leftBy('Unknown'), leftBy('Failed'), leftBy('Succeeded')], ['offline', 'offline', 'wait']);
  });

  it('gives the agent time to report a new block before it calls it unavailable', () => {
    const created = { creationTimestamp: '2026-01-01T12:00:00Z' };
    const at = (time: string) =>
      plan({
        cluster: CLUSTER,
        block: blockOf({ state: 'online' }, {}, created),
        node: nodeMemoryOf(),
        isCrdTerminating: false,
        chain: '',
        nowMs: Date.parse(time),
      });
    const [early, late] = [at('2026-01-01T12:00:09Z'), at('2026-01-01T12:00:10Z')];
    assert.deepEqual([early.kind, early.kind === 'wait' && early.reason], ['wait', 'Pending']);
    assert.deepEqual([late.kind, late.kind === 'wait' && late.reason], ['wait', 'AgentUnavailable']);
  });

  it('waits for an agent that stopped, and goes on when one that was missing is back', () => {
    const conditions = (status: 'True' | 'False', lastTransitionTime: string) => [
      { type: 'AgentReady', status, reason: 'Any', message: 'stopped', lastTransitionTime },
    ];
    const node = nodeMemoryOf();
    const missed = blockOf({ state: 'online' }, failedAt(1, { result: 'Failed', cause: 'AgentUnavailable' }));
    const nodeIs = (status: 'True' | 'False', time: string) => ({
      node: { ...node, status: { ...node.status, conditions: conditions(status, time) } },
    });
    assert.equal(short(plan(input(missed, nodeIs('False', '2026-01-01T11:59:59Z')))), 'AgentUnavailable');
    assert.equal(short(plan(input(missed, nodeIs('True', '2026-01-01T11:00:00Z')))), 'AgentUnavailable');
    assert.equal(short(plan(input(missed, nodeIs('True', '2026-01-01T11:59:59Z')))), 'start online');
  });
});

const goals = fc.constantFrom(undefined, 'offline', 'online', 'online_kernel', 'online_movable');
const observations: fc.Arbitrary<ObservedBlock> = fc
  .record({ state: fc.constantFrom(...MEMORY_BLOCK_STATES), zone: fc.constantFrom(...ZONES) })
  .map(({ state, zone }) => (state === 'online' || state === 'going-offline' ? { state, zone } : { state }));
const blocks = fc
  .record({
    goal: goals,
    observed: observations,
    deletionPolicy: fc.constantFrom('Retain' as const, 'Remove' as const),
    driftPolicy: fc.constantFrom('Report' as const, 'Correct' as const),
    isDeleting: fc.boolean(),
    generation: fc.integer({ min: 1, max: 3 }),
    finalizers: fc.constantFrom([], [FINALIZER]),
    wasReady: fc.boolean(),
    hasFailed: fc.boolean(),
  })
  .map(({ goal, observed, isDeleting, generation, finalizers, wasReady, hasFailed, ...policies }) =>
    blockOf(
      { ...policies, ...(goal ? { state: goal } : {}) },
      {
        ...(hasFailed ? failedAt(1) : {}),
        ...observed,
        ...(wasReady ? { readyBootId: BOOT, readyGeneration: 1 } : {}),
      },
      { generation, finalizers, ...(isDeleting ? DELETED : {}) },
    ),
  );

describe('plan, whatever the block', () => {
  const neverStarts = (change: (block: MemoryBlock) => Partial<PlanInput> & { block: MemoryBlock }) => {
    fc.assert(
      fc.property(blocks, (block) => {
        const { block: changed, ...more } = change(block);
        assert.notEqual(plan(input(changed, more)).kind, 'start');
      }),
    );
  };

  it('starts nothing while paused', () => {
    neverStarts((block) => ({
      block: { ...block, metadata: { ...block.metadata, annotations: { [PAUSED_ANNOTATION]: 'true' } } },
    }));
  });

  it('starts nothing when nothing is asked for', () => {
    neverStarts((block) => {
      const metadata = leaveOut(block.metadata, 'deletionTimestamp');
      return { block: { ...block, metadata, spec: leaveOut(block.spec, 'state') } };
    });
  });

  it('starts nothing for an object deleted with Retain', () => {
    neverStarts((block) => ({
      block: {
        ...block,
        metadata: { ...block.metadata, ...DELETED },
        spec: { ...block.spec, deletionPolicy: 'Retain' },
      },
    }));
  });

  it('starts nothing while the CRD is being deleted, and lets deleted objects go', () => {
    neverStarts((block) => ({ block, isCrdTerminating: true }));
    fc.assert(
      fc.property(blocks, (block) => {
        const metadata = { ...block.metadata, ...DELETED, finalizers: [FINALIZER] };
        assert.equal(plan(input({ ...block, metadata }, { isCrdTerminating: true })).kind, 'drop-finalizer');
      }),
    );
  });

  it('starts nothing on a node that is gone', () => {
    neverStarts((block) => ({ block, nodeGone: 'it was deleted' }));
  });

  it('starts nothing while an operation runs', () => {
    fc.assert(
      fc.property(blocks, fc.constantFrom('add', 'online', 'offline', 'remove'), (block, type) => {
        assert.notEqual(plan(input(block, { operation: running(type) })).kind, 'start');
      }),
    );
  });

  it('does not take a block offline to move it to another zone', () => {
    fc.assert(
      fc.property(blocks, (block) => {
        const action = plan(input(block));
        const wantsOnline = block.spec.state?.startsWith('online') && block.metadata.deletionTimestamp === undefined;
        assert.ok(!(wantsOnline && action.kind === 'start' && action.request.type === 'offline'));
      }),
    );
  });

  it('brings every block to rest in at most three operations when each succeeds', () => {
    fc.assert(
      fc.property(blocks, (first) => {
        let block: MemoryBlock | undefined = first;
        let operations = 0;
        for (let looks = 0; block; looks++) {
          assert.ok(looks < 20, 'no rest after 20 looks');
          const facts = input(block, { nowMs: NOW + looks * 60_000 });
          const action = plan(facts);
          if (action.kind === 'settled' || (action.kind === 'wait' && action.untilMs === undefined)) break;
          if (action.kind === 'start') operations++;
          block = perfectWorld(block, action, facts.nowMs);
        }
        assert.ok(operations <= 3, `${String(operations)} operations`);
      }),
    );
  });
});

/** Does what the action says, as if everything always worked. */
function perfectWorld(block: MemoryBlock, action: Action, nowMs: number): MemoryBlock | undefined {
  const { metadata } = block;
  const status = summarize({ block, action, nowMs });
  if (action.kind === 'ensure-finalizer') return { ...block, metadata: { ...metadata, finalizers: [FINALIZER] } };
  if (action.kind === 'drop-finalizer') {
    return metadata.deletionTimestamp ? undefined : { ...block, metadata: { ...metadata, finalizers: [] } };
  }
  if (action.kind !== 'start') return { ...block, status };
  const { type } = action.request;
  const verdict = beginTransition(type, stateForDriver(block, type));
  assert.ok(verdict.kind === 'change', `${type} of a block that is ${String(block.status?.state)}`);
  const observed: ObservedBlock = { state: verdict.to, ...(verdict.to === 'online' ? { zone: zoneFor(block) } : {}) };
  const outcome = { type, result: 'Succeeded' as const, message: 'done', notifiers: [] };
  const ended = { outcome, runId: `run-${String(nowMs)}`, generation: metadata.generation ?? 0, nowMs };
  return { ...block, status: { ...applyOutcome(leaveOut(status, 'zone'), ended), ...observed } };
}

/** The driver settles what a dead offline left before it begins: back online, or offline, whichever the step needs. */
function stateForDriver({ status }: MemoryBlock, type: OperationType): MemoryBlockState {
  if (status?.state === 'going-offline') return type === 'offline' ? 'online' : 'offline';
  return status?.state ?? 'absent';
}

function zoneFor(block: MemoryBlock): 'Movable' | 'Normal' {
  return block.spec.state === 'online_movable' ? 'Movable' : 'Normal';
}
