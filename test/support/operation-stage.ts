/** A stage for workflow tests: real Temporal server, real workers and locks; the operator's activities are scripted. */
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type { RecoveryRequest } from '../../src/contract/dead-operation.ts';
import type { LookAgainResult, OperationActivities, RecordOutcomeInput } from '../../src/contract/activities.ts';
import { LOCK_TABLE_QUERY, type LockTableView } from '../../src/contract/locks.ts';
import { locksTaskQueue, nodeLocksWorkflowId, nodeTaskQueue } from '../../src/contract/names.ts';
import { NODE_LOCKS_WORKFLOW, type NodeLocksInput } from '../../src/contract/node-locks.ts';
import type { Clock } from '../../src/plugins/ask-in-order.ts';
import type { MemoryNotify, NotifierReply, RegisteredNotifier } from '../../src/contract/notifier.ts';
import type { OperationInput, OperationOutcome, OperationRequest } from '../../src/contract/operations.ts';
import { lookAgain } from '../../src/controller/look-again.ts';
import { createLockActivities, type LockActivitiesOptions } from '../../src/temporal/lock-activities.ts';
import { askWithinWalk } from '../../src/operator/ask-within-walk.ts';
import { createPermitServiceActivities } from '../../src/operator/permit-service-activities.ts';
import { createPermitActivities } from '../../src/temporal/permit-activities.ts';
import { startOperation } from '../../src/temporal/start-operation.ts';
import { createWorkers } from '../../src/temporal/workers.ts';
import { workflowBundle } from '../../src/temporal/workflow-bundle.ts';
import { LockServiceRecords } from './lock-service-record.ts';
import { scriptedExplain } from './scripted-explain.ts';
import type { ScriptedNode } from './scripted-node.ts';
import { sharedTemporal } from './shared-temporal.ts';

export interface Running {
  readonly workflowId: string;
  readonly runId: string;
  result(): Promise<OperationOutcome>;
  cancel(): Promise<unknown>;
  terminate(): Promise<unknown>;
}

type Ask = (notifier: RegisteredNotifier, event: MemoryNotify) => NotifierReply | Promise<NotifierReply>;
type Base = Pick<OperationInput, 'cluster' | 'node' | 'lockTimeoutMs' | 'timings'>;

/** One cluster id and one node of its own, so that stages never meet on the shared server. */
export class OperationStage {
  readonly cluster = `t-${randomUUID().slice(0, 8)}`;
  readonly node: ScriptedNode;
  client!: Client;
  lockService!: LockServiceRecords;
  readonly outcomes: RecordOutcomeInput[] = [];
  readonly asked: MemoryNotify[] = [];
  notifiers: readonly RegisteredNotifier[] = [];
  autoOnline: Extract<LookAgainResult, { verdict: 'proceed' }>['autoOnline'] = 'offline';
  ask: Ask = () => ({ kind: 'answer', answer: { result: 'NOTIFY_OK' } });
  /** Of the operator; this machine's, unless a test sets it. */
  clock: Clock | undefined;
  private workers: Worker[] = [];
  private runs: Promise<void>[] = [];

  constructor(node: ScriptedNode) {
    this.node = node;
  }

  /** What every input has in common. Times are short, but no test waits for one that it does not test. */
  get base(): Base {
    const timings = { agentStartMs: 2_000, chainMs: 10_000, heartbeatMs: 60_000 };
    return { cluster: this.cluster, node: this.node.name, lockTimeoutMs: 60_000, timings };
  }

  /** `activitiesOf`: the operator's activities to use instead of the scripted ones. */
  async open(
    options: {
      withoutAgent?: boolean;
      requests?: LockActivitiesOptions;
      activitiesOf?: (client: Client) => OperationActivities;
    } = {},
  ): Promise<this> {
    const { client, native: connection, namespace } = await sharedTemporal();
    this.client = client;
    const lockActivities = createLockActivities(client, options.requests);
    this.lockService = new LockServiceRecords(client);
    this.workers = [
      ...(await createWorkers({
        connection,
        namespace,
        cluster: this.cluster,
        workflowBundle: await workflowBundle(),
        operationActivities: options.activitiesOf?.(client) ?? this.operationActivities,
        lockActivities,
        explainActivities: scriptedExplain(this),
        lockServiceActivities: this.lockService.activities,
        permits: { requests: createPermitActivities(client), service: createPermitServiceActivities(client) },
      })),
    ];
    this.runs = this.workers.map((worker) => worker.run());
    if (!options.withoutAgent) await this.startAgent();
    return this;
  }

  /** Of the stage's node, or of another one. Returns what stops it; otherwise it stops with the stage. */
  async startAgent(node = this.node): Promise<() => Promise<void>> {
    const { native: connection, namespace } = await sharedTemporal();
    const taskQueue = nodeTaskQueue(this.cluster, node.name);
    const agent = await Worker.create({
      connection,
      namespace,
      taskQueue,
      activities: { ...node.activities },
      maxHeartbeatThrottleInterval: 200,
    });
    const run = agent.run();
    this.workers.push(agent);
    this.runs.push(run);
    return async () => {
      this.workers = this.workers.filter((worker) => worker !== agent);
      agent.shutdown();
      await run;
    };
  }

  async close(): Promise<void> {
    for (const worker of this.workers) worker.shutdown();
    await Promise.all(this.runs);
  }

  /** Starts an operation directly, under an id of its own: nothing but the locks keeps two of one block apart. */
  async start(request: OperationRequest | RecoveryRequest): Promise<Running> {
    const workflowId = `${this.cluster}/direct/${request.type}/${randomUUID().slice(0, 8)}`;
    const runId = await startOperation(this.client, { workflowId, request, blockSizeBytes: 128 * 2 ** 20 });
    const handle = this.client.workflow.getHandle(workflowId, runId);
    return {
      workflowId,
      runId,
      result: () => handle.result() as Promise<OperationOutcome>,
      cancel: () => handle.cancel(),
      terminate: () => handle.terminate('test'),
    };
  }

  /** Workflow id of the node's lock entity. */
  get lockEntityId(): string {
    return nodeLocksWorkflowId(this.cluster, this.node.name);
  }

  async lockTable(): Promise<LockTableView> {
    const handle = this.client.workflow.getHandle(this.lockEntityId);
    return handle.query<LockTableView>(LOCK_TABLE_QUERY);
  }

  /** Starts the lock entity before the first message would: with short times, or a history so short that it soon continues as new. */
  async startLockEntity(options: Pick<NodeLocksInput, 'historyLengthMax' | 'timings'>): Promise<void> {
    const input: NodeLocksInput = { cluster: this.cluster, node: this.node.name, ...options };
    const workflowId = nodeLocksWorkflowId(this.cluster, this.node.name);
    await this.client.workflow.start(NODE_LOCKS_WORKFLOW, {
      workflowId,
      taskQueue: locksTaskQueue(this.cluster),
      args: [input],
    });
  }

  /** How many runs the lock entity has had. */
  async lockEntityRuns(): Promise<number> {
    let runId: string | undefined;
    for (let runs = 1; ; runs++) {
      const workflowId = nodeLocksWorkflowId(this.cluster, this.node.name);
      const { events } = await this.client.workflow.getHandle(workflowId, runId).fetchHistory();
      const previous = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
      if (!previous) return runs;
      runId = previous;
    }
  }

  async callNotifier(notifier: RegisteredNotifier, event: MemoryNotify): Promise<NotifierReply> {
    this.asked.push(event);
    return this.ask(notifier, event);
  }

  private readonly operationActivities: OperationActivities = {
    lookAgain: (input) => {
      const { autoOnline, notifiers } = this;
      const node = { metadata: { name: input.node }, spec: { autoOnline } };
      const chain = { notifiers, fingerprint: 'test' };
      return Promise.resolve(lookAgain(input, { block: undefined, node, isCrdTerminating: false, chain }));
    },
    findDebt: ({ dead, blockId }) => {
      const { autoOnline, notifiers } = this;
      return Promise.resolve({ dead, blockId, autoOnline, notifiers, chain: 'test' });
    },
    callPlugins: (input) => askWithinWalk(input, (notifier, event) => this.callNotifier(notifier, event), this.clock),
    callWebhook: () => Promise.reject(new Error('no webhook is registered here')),
    recordOutcome: (input) => {
      this.outcomes.push(input);
      return Promise.resolve(undefined);
    },
  };
}

/** A registered notifier with the defaults of MemoryNotifier. */
export function registered(name: string, more: Partial<RegisteredNotifier> = {}): RegisteredNotifier {
  return {
    name,
    uid: name,
    priority: 0,
    registeredAt: '2026-01-01T00:00:00Z',
    actions: [],
    failurePolicy: 'Fail',
    timeoutMs: 5_000,
    transport: { kind: 'plugin', name, config: {} },
    ...more,
  };
}
