import assert from 'node:assert/strict';
import fc from 'fast-check';
import { EXPLAIN_GOALS, type ExplainGoal, type Foresight } from '../../src/contract/explain.ts';
import { PAUSED_ANNOTATION } from '../../src/contract/names.ts';
import type { MemoryBlock, NodeMemory, NodeMemoryStatus } from '../../src/contract/resources.ts';
import type { ForeseeInput } from '../../src/controller/foresee-input.ts';
import { foreseeOperations } from '../../src/controller/foresee-operations.ts';
import { registeredNotifiers } from '../../src/controller/registered-notifiers.ts';
import { MEMORY_BLOCK_STATES, ONLINE_TYPES } from '../../src/kernel/memory-block.ts';
import { ALL_CAPABILITIES, blockOf, CLUSTER, NODE, nodeMemoryOf, notifierOf } from '../support/block-fixtures.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const subject = { cluster: CLUSTER, block: undefined, nodeMemory: undefined, node: undefined };

function nodeWith(spec: NodeMemory['spec'], status: NodeMemoryStatus = {}): NodeMemory {
  const node = nodeMemoryOf();
  return { ...node, spec, status: { ...node.status, ...status } };
}

function input(to: ExplainGoal, block: MemoryBlock | undefined, more: Partial<ForeseeInput> = {}): ForeseeInput {
  return {
    cluster: CLUSTER,
    node: NODE,
    blockId: 32,
    to,
    block,
    nodeMemory: nodeMemoryOf(),
    isCrdTerminating: false,
    chain: registeredNotifiers([notifierOf('guard')], subject),
    nowMs: NOW,
    ...more,
  };
}

function foresee(...args: Parameters<typeof input>): Foresight {
  const found = foreseeOperations(input(...args));
  assert.ok(found.kind === 'foreseen', JSON.stringify(found));
  return found;
}

/** The operations as words, then what is in the way. */
function words({ operations, obstacles }: Foresight): string {
  const steps = operations.map(({ type, isAutomatic, onlineType }) => (isAutomatic ? `(${String(onlineType)})` : type));
  return [...steps, ...obstacles.map(({ reason }) => reason)].join(' ');
}

const online = { state: 'online', zone: 'Movable' } as const;

describe('foreseeOperations', () => {
  const rows: [title: string, expected: string, foresight: () => Foresight][] = [
    ['nothing to do', '', () => foresee('online_movable', blockOf({}, online))],
    ['an offline', 'offline', () => foresee('offline', blockOf({ state: 'online' }, online))],
    ['an offline, then the removal', 'offline remove', () => foresee('absent', blockOf({}, online))],
    ['an add, then an online', 'add online', () => foresee('online_kernel', blockOf({}, { state: 'absent' }))],
    ['a block that nobody registered', 'add online', () => foresee('online', undefined)],
    [
      'a block that only the NodeMemory knows',
      'offline',
      () => foresee('offline', undefined, { nodeMemory: nodeWith({}, { blocks: [{ range: '30-32', ...online }] }) }),
    ],
    [
      'a node that onlines by itself, as wanted',
      'add (online_movable)',
      () => foresee('online_movable', undefined, { nodeMemory: nodeWith({ autoOnline: 'online_movable' }) }),
    ],
    [
      'a node that onlines by itself into the wrong zone',
      'add (online_kernel) ZoneMismatch',
      () => foresee('online_movable', undefined, { nodeMemory: nodeWith({ autoOnline: 'online_kernel' }) }),
    ],
    [
      'a node that onlines by itself what is to be offline',
      'add (online) offline',
      () => foresee('offline', undefined, { nodeMemory: nodeWith({ autoOnline: 'online' }) }),
    ],
    ['the wrong zone', 'ZoneMismatch', () => foresee('online_kernel', blockOf({}, online))],
    [
      'a driver that cannot add',
      'AddNotSupported',
      () => foresee('online', undefined, { nodeMemory: nodeMemoryOf({ ...ALL_CAPABILITIES, add: false }) }),
    ],
    [
      'a driver that cannot remove',
      'offline RemoveNotSupported',
      () =>
        foresee('absent', blockOf({}, online), { nodeMemory: nodeMemoryOf({ ...ALL_CAPABILITIES, remove: false }) }),
    ],
    [
      'a pause, and what would come after it',
      'offline Paused',
      () => foresee('offline', blockOf({}, online, { annotations: { [PAUSED_ANNOTATION]: 'true' } })),
    ],
    [
      'the floor of the node, and who would be asked beyond it',
      'offline Deferred',
      () => foresee('offline', blockOf({}, online), { nodeMemory: nodeWith({ minOnline: '1Gi' }, { online: '1Gi' }) }),
    ],
    [
      'drift, where the same is asked for again',
      'offline Drifted',
      () => foresee('offline', blockOf({ state: 'offline' }, { ...online, readyGeneration: 1, readyBootId: 'boot-1' })),
    ],
    [
      'no drift, where something else is asked for',
      'offline',
      () => foresee('offline', blockOf({ state: 'online' }, { ...online, readyGeneration: 1, readyBootId: 'boot-1' })),
    ],
    ['a node that is gone', 'NodeGone', () => foresee('offline', blockOf({}, online), { nodeGone: 'it was deleted' })],
    ['another block size', 'BlockSizeChanged', () => foresee('offline', blockOf({}, { ...online, blockSize: '2Gi' }))],
    [
      'an agent that is away',
      'offline AgentUnavailable',
      () => foresee('offline', blockOf({}, online), { nodeMemory: nodeWith({}, { conditions: [AWAY] }) }),
    ],
    [
      'an agent that never reported',
      'AgentUnavailable',
      () => foresee('offline', undefined, { nodeMemory: { metadata: { name: NODE }, spec: {} } }),
    ],
    ['what a dead offline left', 'online', () => foresee('online', blockOf({}, { state: 'going-offline' }))],
  ];
  for (const [title, expected, foresight] of rows) {
    it(`${title}: ${expected === '' ? 'nothing' : expected}`, () => assert.equal(words(foresight()), expected));
  }

  it('asks GOING_ONLINE for an online, with its type, and GOING_OFFLINE for an offline; add and remove ask nobody', () => {
    const up = foresee('online_kernel', undefined).operations;
    const down = foresee('absent', blockOf({}, online)).operations;
    assert.deepEqual(
      [...up, ...down].map(({ type, action, onlineType }) => [type, action, onlineType]),
      [
        ['add', undefined, undefined],
        ['online', 'MEM_GOING_ONLINE', 'online_kernel'],
        ['offline', 'MEM_GOING_OFFLINE', undefined],
        ['remove', undefined, undefined],
      ],
    );
  });

  it('tells what it rests on: the agent that is away, the operation that runs, the policy that would keep the memory', () => {
    const operation = { type: 'online', workflowId: 'w', runId: 'r', startTime: '2026-01-01T11:59:00Z' } as const;
    const block = blockOf({}, { ...online, operation });
    const { notes } = foresee('absent', block, { nodeMemory: nodeWith({}, { conditions: [AWAY] }) });
    assert.match(notes.join('\n'), /deletionPolicy is Retain/);
    assert.match(notes.join('\n'), /online runs since 2026-01-01T11:59:00Z \(workflow w\)/);
    assert.match(notes.join('\n'), /agent of worker-1 is away since 2026-01-01T11:00:00Z/);
    assert.match(foresee('online', undefined).notes.join(), /no MemoryBlock worker-1-memory32/);
    assert.match(foresee('offline', block, { maxConcurrentOfflines: 5 }).notes.join(), /one of 5 permits/);
  });

  it('tells of the last try and of the next, where the same is asked for again', () => {
    const lastOperation = {
      type: 'offline',
      result: 'Vetoed',
      message: 'vetoed by guard at MEM_GOING_OFFLINE (EBUSY): full',
      completionTime: '2026-01-01T11:59:00Z',
      generation: 1,
    } as const;
    const retry = { count: 1, nextTime: '2026-01-01T12:01:00Z' };
    const vetoed = blockOf({ state: 'offline' }, { ...online, lastOperation, retry });
    assert.match(foresee('offline', vetoed).notes.join(), /vetoed by guard .* tried again at 2026-01-01T12:01:00/);
    assert.equal(words(foresee('offline', vetoed)), 'offline', 'a backoff is no obstacle');
  });

  it('knows nothing of a node without NodeMemory, or of a block that neither exists nor is asked for', () => {
    assert.equal(foreseeOperations(input('offline', undefined, { nodeMemory: undefined })).kind, 'unknown');
    assert.equal(foreseeOperations(input('absent', undefined)).kind, 'unknown');
  });

  it('comes to an end for every state, goal and node, and asks each GOING action at most once', () => {
    const facts = fc.record({
      state: fc.constantFrom(...MEMORY_BLOCK_STATES),
      to: fc.constantFrom(...EXPLAIN_GOALS),
      autoOnline: fc.constantFrom('offline', ...ONLINE_TYPES),
      can: fc.record({ add: fc.boolean(), remove: fc.boolean(), online: fc.boolean(), offline: fc.boolean() }),
    });
    fc.assert(
      fc.property(facts, ({ state, to, autoOnline, can }) => {
        const zone = state === 'online' ? ({ zone: 'Normal' } as const) : {};
        const nodeMemory = nodeWith({ autoOnline }, { capabilities: can });
        const { operations, obstacles, end } = foresee(to, blockOf({}, { state, ...zone }), { nodeMemory });
        const actions = operations.flatMap(({ action }) => action ?? []);
        assert.equal(new Set(actions).size, actions.length);
        assert.ok(end !== undefined || obstacles.length > 0);
      }),
    );
  });
});

const AWAY = {
  type: 'AgentReady',
  status: 'False',
  reason: 'AgentUnavailable',
  message: 'nobody polls its task queue',
  lastTransitionTime: '2026-01-01T11:00:00Z',
} as const;
