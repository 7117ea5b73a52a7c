/** The runs whose histories are committed: each workflow type, and each of its ways to end that takes a path of its own. */
import type { RecoveryRequest } from '../../src/contract/dead-operation.ts';
import { DEVICE_WORKFLOW } from '../../src/contract/device-operations.ts';
import { EXPLAIN_WORKFLOW, type ExplainInput } from '../../src/contract/explain.ts';
import { HOLD_LOCKS_WORKFLOW } from '../../src/contract/hold-locks.ts';
import type { OperationRequest } from '../../src/contract/operations.ts';
import { NODE_LOCKS_WORKFLOW } from '../../src/contract/node-locks.ts';
import { explainWorkflowId, offlinePermitsWorkflowId, operationsTaskQueue } from '../../src/contract/names.ts';
import { OFFLINE_PERMITS_QUERY, OFFLINE_PERMITS_WORKFLOW } from '../../src/contract/offline-permits.ts';
import type { PermitTableView } from '../../src/contract/permit-table-view.ts';
import { eventually } from '../support/eventually.ts';
import { startDeviceOperation } from '../support/device-operations.ts';
import { startHolding } from '../support/held-locks.ts';
import { OperationStage, registered, type Running } from '../support/operation-stage.ts';
import { BLOCK_SIZE, ScriptedNode } from '../support/scripted-node.ts';

export interface Scenario {
  readonly name: string;
  readonly prepare?: (stage: OperationStage) => void;
  readonly start: (stage: OperationStage) => Promise<Pick<Running, 'workflowId' | 'runId'> & { result(): Promise<unknown> }>;
}

const range = { start: 40 * BLOCK_SIZE, size: BLOCK_SIZE };
const online = ({ base }: OperationStage): OperationRequest => ({
  type: 'online',
  input: { ...base, blockId: 30, onlineType: 'online_movable' },
});
const offline = ({ base }: OperationStage): OperationRequest => ({
  type: 'offline',
  input: { ...base, blockId: 31, offlineTimeoutMs: 10_000 },
});

const device = { start: 8 * 2 ** 30, size: 2 ** 30 };

/** An operation, as the controller starts it. */
function operation(request: (stage: OperationStage) => OperationRequest | RecoveryRequest): Scenario['start'] {
  return (stage) => stage.start(request(stage));
}

/** Of two under a limit of one, the one that waits for the other. */
async function secondOfTwo(stage: OperationStage): Promise<Running> {
  const start = (blockId: number): Promise<Running> =>
    stage.start({
      type: 'offline',
      input: { ...stage.base, blockId, offlineTimeoutMs: 10_000, maxConcurrentOfflines: 1 },
    });
  const hold = stage.node.holdAt('offline.commit');
  const first = await start(32);
  await hold.reached;
  const second = await start(33);
  const entity = stage.client.workflow.getHandle(offlinePermitsWorkflowId(stage.cluster));
  await eventually('the second waits', async () => {
    const { waiters } = await entity.query<PermitTableView>(OFFLINE_PERMITS_QUERY);
    return waiters.length === 1;
  });
  hold.letGo();
  await first.result();
  return second;
}

const DEAD = { type: 'online', workflowId: 'terminated', runId: 'terminated', bootId: 'boot-1' } as const;

function vetoAll(stage: OperationStage): void {
  stage.ask = () => ({ kind: 'answer', answer: { result: 'NOTIFY_BAD', errno: 'EBUSY', reason: 'pinned' } });
}

/** Two plugins in one activity; a webhook; a task queue that no worker polls, which is ignored. */
function everyTransport(stage: OperationStage): void {
  const ignored = { failurePolicy: 'Ignore', timeoutMs: 200, actions: ['MEM_GOING_ONLINE'] } as const;
  stage.notifiers = [
    registered('first', { priority: 4 }),
    registered('second', { priority: 3 }),
    registered('webhook', { ...ignored, priority: 2, transport: { kind: 'webhook', url: 'https://localhost' } }),
    registered('worker', { ...ignored, priority: 1, transport: { kind: 'taskQueue', taskQueue: 'nobody', activity: 'a' } }),
  ];
}

async function explainOffline({ client, cluster, node }: OperationStage): ReturnType<Scenario['start']> {
  const input: ExplainInput = { cluster, node: node.name, blockId: 31, to: 'offline' };
  const handle = await client.workflow.start(EXPLAIN_WORKFLOW, {
    workflowId: explainWorkflowId(cluster, input.node, input.blockId, 'recorded'),
    taskQueue: operationsTaskQueue(cluster),
    args: [input],
  });
  return { workflowId: handle.workflowId, runId: handle.firstExecutionRunId, result: () => handle.result() };
}

export const SCENARIOS: readonly Scenario[] = [
  // First: the block is still online.
  { name: EXPLAIN_WORKFLOW, prepare: vetoAll, start: explainOffline },
  { name: 'addMemory', start: operation(({ base }) => ({ type: 'add', input: { ...base, range } })) },
  {
    name: 'addMemory-auto-online',
    prepare: (stage) => (stage.autoOnline = 'online_movable'),
    start: operation(({ base }) => ({ type: 'add', input: { ...base, range: { start: 50 * BLOCK_SIZE, size: BLOCK_SIZE } } })),
  },
  { name: 'onlineMemory-vetoed', prepare: vetoAll, start: operation(online) },
  { name: 'onlineMemory', start: operation(online) },
  { name: 'offlineMemory-vetoed', prepare: vetoAll, start: operation(offline) },
  { name: 'offlineMemory', start: operation(offline) },
  {
    name: 'onlineMemory-every-transport',
    prepare: everyTransport,
    start: operation(({ base }) => ({ type: 'online', input: { ...base, blockId: 31, onlineType: 'online_movable' } })),
  },
  { name: 'offlineMemory-limited', start: secondOfTwo },
  {
    name: 'recoverMemory',
    start: operation(({ base }) => ({ type: 'recover', input: { ...base, blockId: 30, dead: DEAD } })),
  },
  { name: 'removeMemory', start: operation(({ base }) => ({ type: 'remove', input: { ...base, range } })) },
  ...(['online-cpu', 'offline-cpu'] as const).map((type) => ({
    name: DEVICE_WORKFLOW[type],
    start: (stage: OperationStage) => startDeviceOperation(stage, { type, input: { ...stage.base, cpu: 1 } }),
  })),
  ...(['add-device', 'remove-device'] as const).map((type) => ({
    name: DEVICE_WORKFLOW[type],
    start: (stage: OperationStage) => startDeviceOperation(stage, { type, input: { ...stage.base, range: device } }),
  })),
  { name: HOLD_LOCKS_WORKFLOW, start: startHolding },
];

/** Entities: never completed, they are recorded last. */
export const ENTITIES = [NODE_LOCKS_WORKFLOW, OFFLINE_PERMITS_WORKFLOW] as const;

/** A stage on which the scenarios can be played one after the other, in their order. */
export function scenarioStage(): OperationStage {
  const stage = new OperationStage(new ScriptedNode('worker-1', { 30: 'offline', 31: 'online', 32: 'online', 33: 'online' }));
  stage.notifiers = [registered('guard')];
  return stage;
}
