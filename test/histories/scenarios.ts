/** The runs whose histories are committed: each workflow type, and each of its ways to end that takes a path of its own. */
import type { RecoveryRequest } from '../../src/contract/dead-operation.ts';
import { DEVICE_WORKFLOW } from '../../src/contract/device-operations.ts';
import { HOLD_LOCKS_WORKFLOW } from '../../src/contract/hold-locks.ts';
import type { OperationRequest } from '../../src/contract/operations.ts';
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

const DEAD = { type: 'online', workflowId: 'terminated', runId: 'terminated', bootId: 'boot-1' } as const;

function vetoAll(stage: OperationStage): void {
  stage.ask = () => ({ kind: 'answer', answer: { result: 'NOTIFY_BAD', errno: 'EBUSY', reason: 'pinned' } });
}

export const SCENARIOS: readonly Scenario[] = [
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

/** A stage on which the scenarios can be played one after the other, in their order. */
export function scenarioStage(): OperationStage {
  const stage = new OperationStage(new ScriptedNode('worker-1', { 30: 'offline', 31: 'online' }));
  stage.notifiers = [registered('guard')];
  return stage;
}
