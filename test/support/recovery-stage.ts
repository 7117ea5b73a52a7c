/**
 * A stage for operations that die: real Temporal, locks and operator's activities, on a cluster and a node in memory. An
 * operation can be held where it is to be terminated.
 */
import type { Client } from '@temporalio/client';
import { deadOperation, type DeadOperation } from '../../src/contract/dead-operation.ts';
import type { OperationActivities } from '../../src/contract/activities.ts';
import type { OperationOutcome, OperationRequest } from '../../src/contract/operations.ts';
import type { MemoryBlock, MemoryNotifier } from '../../src/contract/resources.ts';
import { operationRequest, recoveryRequest } from '../../src/controller/operation-request.ts';
import { createOperationActivities } from '../../src/operator/operation-activities.ts';
import { TemporalOperationStarter } from '../../src/temporal/temporal-operation-starter.ts';
import { blockOf, BOOT, NODE, nodeMemoryOf, notifierOf } from './block-fixtures.ts';
import { FakeCluster } from './fake-cluster.ts';
import { OperationStage } from './operation-stage.ts';
import { BLOCK_SIZE, ScriptedNode } from './scripted-node.ts';

const SOON = { livenessMs: 100, livenessMaxMs: 500, agentStartMs: 1_000 };

const CHAIN = [notifierOf('first', { priority: 10 }), notifierOf('second')];

export class RecoveryStage extends OperationStage {
  readonly api = new FakeCluster();
  registered: readonly MemoryNotifier[] = CHAIN;
  starter!: TemporalOperationStarter;
  readonly #gates: (() => void)[] = [];

  constructor() {
    super(new ScriptedNode(NODE));
    this.api.nodeMemories.set(NODE, nodeMemoryOf());
  }

  /** A block that is to be brought `towards` a state, and is in the other one. */
  createBlock(blockId: number, towards: 'online' | 'offline'): void {
    const state = towards === 'online' ? 'offline' : 'online';
    this.node.states.set(blockId, state);
    this.api.put(blockOf({ blockId, state: towards }, { state }));
  }

  async openQuickly(options: { withoutAgent?: boolean } = {}): Promise<this> {
    await this.open({ ...options, activitiesOf: (client) => this.#activitiesOf(client) });
    this.starter = new TemporalOperationStarter(this.client, this.cluster);
    await this.startLockEntity({ timings: SOON });
    return this;
  }

  /** Lets go of what is held, and forgets what a test has changed: the next has the stage as new, but for its blocks. */
  reset(): void {
    for (const open of this.#gates.splice(0)) open();
    this.asked.length = 0;
    this.ask = () => ({ kind: 'answer', answer: { result: 'NOTIFY_OK' } });
    this.registered = CHAIN;
    this.node.bootId = BOOT;
    this.node.answers.clear();
    this.node.forgetHolds();
  }

  override async close(): Promise<void> {
    this.reset();
    await super.close();
  }

  block(blockId: number): MemoryBlock {
    return this.api.block(`${NODE}-memory${String(blockId)}`);
  }

  /** Where an operation stops until the stage is closed: reached, then held. */
  gate(): { readonly reached: Promise<unknown>; pass(): Promise<unknown> } {
    const reached = Promise.withResolvers<undefined>();
    const open = Promise.withResolvers<undefined>();
    this.#gates.push(() => open.resolve(undefined));
    return {
      reached: reached.promise,
      pass: () => {
        reached.resolve(undefined);
        return open.promise;
      },
    };
  }

  /** Holds the first notifier that is told `action`. */
  holdAtAction(action: string): Promise<unknown> {
    const gate = this.gate();
    let isHeld = false;
    this.ask = async (_, event) => {
      if (event.action === action && !isHeld) {
        isHeld = true;
        await gate.pass();
      }
      return { kind: 'answer', answer: { result: 'NOTIFY_OK' } };
    };
    return gate.reached;
  }

  /** Holds `operation.step` after it has had its effect. */
  holdAtStep(step: string): Promise<unknown> {
    const held = this.node.holdAt(step);
    this.#gates.push(() => {
      held.letGo();
    });
    return held.reached;
  }

  /** Starts an operation as the controller does: on behalf of its object, under the block's workflow id. */
  async operate(type: OperationRequest['type'], blockId: number): Promise<OperationRequest> {
    const request = this.requestOf(type, blockId);
    await this.starter.start(request);
    return request;
  }

  requestOf(type: OperationRequest['type'], blockId: number): OperationRequest {
    const request = operationRequest(type, this.cluster, this.block(blockId), BLOCK_SIZE);
    return { ...request, input: { ...request.input, timings: this.base.timings } } as OperationRequest;
  }

  /** Terminates the block's operation; what it owes, as far as its object tells. */
  async kill(blockId: number): Promise<DeadOperation | undefined> {
    const workflowId = `${this.cluster}/memoryblock/${NODE}/${String(blockId)}`;
    await this.client.workflow.getHandle(workflowId).terminate('by a test');
    const named = this.block(blockId).status?.operation;
    return named && deadOperation(named, 'TERMINATED');
  }

  /** Starts the recovery as the controller does. */
  async startRecovery(
    blockId: number,
    dead: DeadOperation,
  ): Promise<{ result(): Promise<OperationOutcome>; id: string }> {
    const { input } = recoveryRequest(this.cluster, this.block(blockId), dead);
    const { timings = {} } = this.base;
    const request = { type: 'recover', input: { ...input, timings } } as const;
    await this.starter.start(request);
    const id = `${this.cluster}/memoryblock/${NODE}/${String(blockId)}`;
    const result = (): Promise<OperationOutcome> => this.client.workflow.getHandle(id).result();
    return { result, id };
  }

  /** What notifiers were told, each action once per notifier, in order. */
  get told(): readonly string[] {
    return this.asked.map(({ action }) => action);
  }

  #activitiesOf(client: Client): OperationActivities {
    const starter = new TemporalOperationStarter(client, this.cluster);
    return createOperationActivities({
      cluster: this.api,
      listNotifiers: () => Promise.resolve(this.registered),
      clusterId: this.cluster,
      askPlugin: (notifier, event) => this.callNotifier(notifier, event),
      askWebhook: () => Promise.reject(new Error('no webhook is registered here')),
      describeRun: (workflowId, runId) => starter.describe(workflowId, runId),
    });
  }
}
