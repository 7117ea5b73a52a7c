/** The schemas in crds/ and the TypeScript say the same; whichever drifts, a test here fails. */
import assert from 'node:assert/strict';
import { CONDITION_TYPES } from '../../src/contract/conditions.ts';
import type { DriverStep } from '../../src/contract/driver.ts';
import { API_GROUP, API_VERSION } from '../../src/contract/names.ts';
import type * as resources from '../../src/contract/resources.ts';
import { ERRNO, HOTPLUG_ERRNOS } from '../../src/kernel/errno.ts';
import { MEMORY_ACTIONS } from '../../src/kernel/memory-action.ts';
import { MEMORY_BLOCK_STATES, ONLINE_TYPES, type OperationType } from '../../src/kernel/memory-block.ts';
import { ZONES } from '../../src/kernel/zone.ts';
import { KINDS, readDefinition, schemaAt, schemaNodes, type Kind } from '../support/custom-resource-definitions.ts';

/** The words of a union type, complete by construction. */
function words<Word extends string>(all: Record<Word, true>): readonly string[] {
  return Object.keys(all);
}

const REQUESTED_STATES = ['offline', ...ONLINE_TYPES];
const OPERATION_TYPES = words<OperationType>({ add: true, online: true, offline: true, remove: true });
const STEPS = words<DriverStep>({ prepare: true, commit: true, finish: true, abort: true });
const RESULTS = words<resources.OperationResult>({
  Succeeded: true,
  Vetoed: true,
  Failed: true,
  Superseded: true,
  Unknown: true,
});
const CAUSES = words<resources.OperationCause>({
  AgentUnavailable: true,
  LockTimeout: true,
  Deadlock: true,
  Infeasible: true,
  Deferred: true,
});
const CONDITION_STATUSES = words<resources.Condition['status']>({ True: true, False: true, Unknown: true });

const ENUMS: readonly [Kind, string, readonly string[]][] = [
  ['MemoryBlock', 'spec.state', REQUESTED_STATES],
  [
    'MemoryBlock',
    'spec.deletionPolicy',
    words<resources.MemoryBlockSpec['deletionPolicy']>({ Retain: true, Remove: true }),
  ],
  ['MemoryBlock', 'spec.driftPolicy', words<resources.MemoryBlockSpec['driftPolicy']>({ Report: true, Correct: true })],
  ['MemoryBlock', 'status.state', MEMORY_BLOCK_STATES],
  ['MemoryBlock', 'status.zone', ZONES],
  ['MemoryBlock', 'status.operation.type', OPERATION_TYPES],
  ['MemoryBlock', 'status.lastOperation.type', OPERATION_TYPES],
  ['MemoryBlock', 'status.lastOperation.result', RESULTS],
  ['MemoryBlock', 'status.lastOperation.cause', CAUSES],
  ['MemoryBlock', 'status.notifiers[].action', MEMORY_ACTIONS],
  ['MemoryBlock', 'status.conditions[].type', CONDITION_TYPES],
  ['MemoryBlock', 'status.conditions[].status', CONDITION_STATUSES],
  ['NodeMemory', 'spec.autoOnline', REQUESTED_STATES],
  [
    'NodeMemory',
    'spec.discovery',
    words<NonNullable<resources.NodeMemorySpec['discovery']>>({ None: true, Removable: true, All: true }),
  ],
  [
    'NodeMemory',
    'spec.simulated.blocks[].state',
    words<resources.SimulatedBlocks['state']>({ online: true, offline: true }),
  ],
  ['NodeMemory', 'spec.simulated.blocks[].zone', ZONES],
  ['NodeMemory', 'spec.simulated.errors[].operation', OPERATION_TYPES],
  ['NodeMemory', 'spec.simulated.errors[].step', STEPS],
  ['NodeMemory', 'spec.simulated.errors[].errno', HOTPLUG_ERRNOS],
  ['NodeMemory', 'status.blocks[].state', MEMORY_BLOCK_STATES],
  ['NodeMemory', 'status.blocks[].zone', ZONES],
  ['NodeMemory', 'status.conditions[].status', CONDITION_STATUSES],
  ['MemoryNotifier', 'spec.actions[]', MEMORY_ACTIONS],
  [
    'MemoryNotifier',
    'spec.failurePolicy',
    words<resources.MemoryNotifierSpec['failurePolicy']>({ Fail: true, Ignore: true }),
  ],
  ['MemoryNotifier', 'status.lastCall.action', MEMORY_ACTIONS],
  ['MemoryNotifier', 'status.conditions[].status', CONDITION_STATUSES],
];

/** Sizes of memory blocks are an enum for the user's sake; no type stands behind it. */
const ENUMS_WITHOUT_TYPE = ['NodeMemory spec.simulated.blockSize'];

/** Each field of `T`, and whether a reader may rely on it. */
type Presence<T> = {
  readonly [Field in keyof T]-?: Partial<Pick<T, Field>> extends Pick<T, Field> ? 'optional' : 'always';
};

const CONDITION: Presence<resources.Condition> = {
  type: 'always',
  status: 'always',
  reason: 'always',
  message: 'always',
  observedGeneration: 'optional',
  lastTransitionTime: 'always',
};

const FIELDS: readonly [Kind, string, Readonly<Record<string, 'optional' | 'always'>>][] = [
  [
    'MemoryBlock',
    'spec',
    {
      nodeName: 'always',
      blockId: 'always',
      numaNode: 'optional',
      state: 'optional',
      deletionPolicy: 'always',
      driftPolicy: 'always',
      offlineTimeoutSeconds: 'always',
      lockTimeoutSeconds: 'always',
    } satisfies Presence<resources.MemoryBlockSpec>,
  ],
  [
    'MemoryBlock',
    'status',
    {
      observedGeneration: 'optional',
      state: 'optional',
      zone: 'optional',
      physicalAddress: 'optional',
      blockSize: 'optional',
      bootId: 'optional',
      operation: 'optional',
      lastOperation: 'optional',
      notifiers: 'optional',
      retry: 'optional',
      fencingToken: 'optional',
      readyBootId: 'optional',
      readyGeneration: 'optional',
      conditions: 'optional',
    } satisfies Presence<resources.MemoryBlockStatus>,
  ],
  [
    'MemoryBlock',
    'status.operation',
    {
      type: 'always',
      workflowId: 'always',
      runId: 'always',
      startTime: 'always',
      generation: 'optional',
      phase: 'optional',
      bootId: 'optional',
    } satisfies Presence<resources.OperationStatus>,
  ],
  [
    'MemoryBlock',
    'status.lastOperation',
    {
      type: 'always',
      result: 'always',
      runId: 'optional',
      errno: 'optional',
      message: 'always',
      completionTime: 'always',
      generation: 'optional',
      cause: 'optional',
    } satisfies Presence<resources.LastOperation>,
  ],
  [
    'MemoryBlock',
    'status.notifiers[]',
    {
      name: 'always',
      action: 'always',
      result: 'always',
      errno: 'optional',
      reason: 'optional',
      retryTime: 'optional',
    } satisfies Presence<resources.NotifierStatus>,
  ],
  [
    'MemoryBlock',
    'status.retry',
    {
      count: 'always',
      nextTime: 'always',
      chain: 'optional',
      minOnline: 'optional',
    } satisfies Presence<resources.RetryStatus>,
  ],
  // Stricter than the type: without the generation, kubectl wait could accept a stale condition.
  ['MemoryBlock', 'status.conditions[]', { ...CONDITION, observedGeneration: 'always' }],
  [
    'NodeMemory',
    'spec',
    {
      autoOnline: 'optional',
      discovery: 'optional',
      minOnline: 'optional',
      simulated: 'optional',
    } satisfies Presence<resources.NodeMemorySpec>,
  ],
  [
    'NodeMemory',
    'spec.simulated',
    {
      blockSize: 'optional',
      blocks: 'optional',
      maxBlockId: 'optional',
      numaNodes: 'optional',
      cpus: 'optional',
      movableNode: 'optional',
      unmovable: 'optional',
      pinned: 'optional',
      holes: 'optional',
      poisoned: 'optional',
      migrationMs: 'optional',
      stepDelayMs: 'optional',
      errors: 'optional',
    } satisfies Presence<resources.SimulatedSpec>,
  ],
  [
    'NodeMemory',
    'spec.simulated.blocks[]',
    {
      range: 'always',
      state: 'always',
      zone: 'optional',
      numaNode: 'optional',
    } satisfies Presence<resources.SimulatedBlocks>,
  ],
  [
    'NodeMemory',
    'spec.simulated.errors[]',
    {
      operation: 'always',
      step: 'always',
      errno: 'always',
      range: 'optional',
    } satisfies Presence<resources.SimulatedError>,
  ],
  [
    'NodeMemory',
    'status',
    {
      driver: 'optional',
      capabilities: 'optional',
      blockSize: 'optional',
      online: 'optional',
      offline: 'optional',
      blocks: 'optional',
      bootId: 'optional',
      fencingEpoch: 'optional',
      lockService: 'optional',
      kubelet: 'optional',
      locks: 'optional',
      conditions: 'optional',
    } satisfies Presence<resources.NodeMemoryStatus>,
  ],
  [
    'NodeMemory',
    'status.capabilities',
    {
      add: 'always',
      remove: 'always',
      online: 'always',
      offline: 'always',
    } satisfies Presence<resources.DriverCapabilities>,
  ],
  [
    'NodeMemory',
    'status.lockService',
    {
      epoch: 'always',
      runId: 'always',
      recovers: 'optional',
      isPredecessorLost: 'optional',
    } satisfies Presence<resources.LockServiceStatus>,
  ],
  [
    'NodeMemory',
    'status.kubelet',
    {
      capacity: 'always',
      online: 'always',
      bootId: 'optional',
      counted: 'optional',
    } satisfies Presence<resources.KubeletMemory>,
  ],
  ['NodeMemory', 'status.conditions[]', CONDITION],
  [
    'MemoryNotifier',
    'spec',
    {
      suspend: 'optional',
      priority: 'always',
      actions: 'optional',
      nodeSelector: 'optional',
      blockSelector: 'optional',
      failurePolicy: 'always',
      timeoutSeconds: 'always',
      plugin: 'optional',
      webhook: 'optional',
      taskQueue: 'optional',
    } satisfies Presence<resources.MemoryNotifierSpec>,
  ],
  [
    'MemoryNotifier',
    'spec.webhook',
    { url: 'optional', service: 'optional', caBundle: 'optional' } satisfies Presence<resources.WebhookReference>,
  ],
  [
    'MemoryNotifier',
    'spec.webhook.service',
    {
      namespace: 'always',
      name: 'always',
      port: 'always',
      path: 'optional',
    } satisfies Presence<resources.ServiceReference>,
  ],
  [
    'MemoryNotifier',
    'spec.taskQueue',
    { name: 'always', activity: 'always' } satisfies Presence<resources.TaskQueueReference>,
  ],
  [
    'MemoryNotifier',
    'status',
    {
      target: 'optional',
      lastCall: 'optional',
      conditions: 'optional',
    } satisfies Presence<resources.MemoryNotifierStatus>,
  ],
  [
    'MemoryNotifier',
    'status.lastCall',
    {
      time: 'always',
      action: 'always',
      result: 'always',
      errno: 'optional',
      reason: 'optional',
      node: 'always',
      blockId: 'always',
    } satisfies Presence<resources.LastCall>,
  ],
  ['MemoryNotifier', 'status.conditions[]', CONDITION],
];

describe('custom resource definitions', () => {
  for (const [kind, path, expected] of ENUMS) {
    it(`${kind} ${path} accepts exactly the words of the TypeScript`, () => {
      assert.deepEqual([...(schemaAt(kind, path).enum ?? [])].sort(), [...expected].sort());
    });
  }

  for (const [kind, path] of [
    ['MemoryBlock', 'status.lastOperation.errno'],
    ['MemoryBlock', 'status.notifiers[].errno'],
    ['MemoryNotifier', 'status.lastCall.errno'],
  ] as const) {
    it(`${kind} ${path} holds every errno that a veto can give`, () => {
      const { pattern = '', maxLength = 0 } = schemaAt(kind, path);
      for (const name of Object.keys(ERRNO))
        assert.ok(new RegExp(pattern).test(name) && name.length <= maxLength, name);
    });
  }

  it('have no enum that is not compared with the TypeScript', () => {
    const compared = [...ENUMS.map(([kind, path]) => `${kind} ${path}`), ...ENUMS_WITHOUT_TYPE];
    const found = KINDS.flatMap((kind) =>
      schemaNodes(readDefinition(kind))
        .filter(({ schema }) => schema.enum)
        .map(({ path }) => `${kind} ${path}`),
    );
    assert.deepEqual(found.sort(), compared.sort());
  });

  for (const [kind, path, expected] of FIELDS) {
    it(`${kind} ${path} has the fields of the TypeScript, required where a reader relies on them`, () => {
      const schema = schemaAt(kind, path);
      const found = Object.entries(schema.properties ?? {}).map(([field, { default: byDefault }]) => [
        field,
        schema.required?.includes(field) || (expected[field] === 'always' && byDefault !== undefined)
          ? 'always'
          : 'optional',
      ]);
      assert.deepEqual(Object.fromEntries(found), expected);
    });
  }

  for (const kind of KINDS) {
    const definition = readDefinition(kind);
    const nodes = schemaNodes(definition);

    it(`${kind} belongs to the API group and version of the TypeScript`, () => {
      assert.equal(definition.spec.group, API_GROUP);
      assert.equal(definition.spec.versions[0].name, API_VERSION);
    });

    it(`${kind} describes every field in a sentence`, () => {
      const poor = nodes.filter(({ schema: { description = '' } }) => !/^[A-Z].{18,}\.$/s.test(description));
      assert.deepEqual(
        poor.map(({ path }) => path),
        [],
      );
    });

    it(`${kind} bounds every string, number, list and map`, () => {
      const unbounded = nodes.filter(({ schema }) => {
        if (schema.type === 'string') return !schema.enum && schema.format !== 'date-time' && !schema.maxLength;
        if (schema.type === 'array') return !schema.maxItems;
        if (schema.type === 'integer') return schema.minimum === undefined || !schema.format;
        return schema.additionalProperties && !schema.maxProperties;
      });
      assert.deepEqual(
        unbounded.map(({ path }) => path),
        [],
      );
    });

    it(`${kind} gives every rule a message`, () => {
      const rules = nodes.flatMap(({ schema }) => schema['x-kubernetes-validations'] ?? []);
      assert.deepEqual(
        rules.filter(({ message }) => !message),
        [],
      );
    });
  }
});
