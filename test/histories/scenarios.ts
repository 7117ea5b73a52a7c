/** The runs whose histories are committed: each workflow type, and each of its ways to end that takes a path of its own. */
import type { OperationRequest } from '../../src/contract/operations.ts';
import { OperationStage, registered } from '../support/operation-stage.ts';
import { BLOCK_SIZE, ScriptedNode } from '../support/scripted-node.ts';

export interface Scenario {
  readonly name: string;
  readonly prepare?: (stage: OperationStage) => void;
  readonly request: (stage: OperationStage) => OperationRequest;
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

function vetoAll(stage: OperationStage): void {
  stage.ask = () => ({ kind: 'answer', answer: { result: 'NOTIFY_BAD', errno: 'EBUSY', reason: 'pinned' } });
}

export const SCENARIOS: readonly Scenario[] = [
  { name: 'addMemory', request: ({ base }) => ({ type: 'add', input: { ...base, range } }) },
  {
    name: 'addMemory-auto-online',
    prepare: (stage) => (stage.autoOnline = 'online_movable'),
    request: ({ base }) => ({ type: 'add', input: { ...base, range: { start: 50 * BLOCK_SIZE, size: BLOCK_SIZE } } }),
  },
  { name: 'onlineMemory-vetoed', prepare: vetoAll, request: online },
  { name: 'onlineMemory', request: online },
  { name: 'offlineMemory-vetoed', prepare: vetoAll, request: offline },
  { name: 'offlineMemory', request: offline },
  { name: 'removeMemory', request: ({ base }) => ({ type: 'remove', input: { ...base, range } }) },
];

/** A stage on which the scenarios can be played one after the other, in their order. */
export function scenarioStage(): OperationStage {
  const stage = new OperationStage(new ScriptedNode('worker-1', { 30: 'offline', 31: 'online' }));
  stage.notifiers = [registered('guard')];
  return stage;
}
