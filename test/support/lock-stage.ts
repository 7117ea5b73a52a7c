/** A stage for tests of the lock service: the real lock entity, requesters that do as they are told, a node that settles. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { Registry } from 'prom-client';
import type { OperationActivities, SettleInput, SettleResult } from '../../src/contract/activities.ts';
import {
  LOCK_TABLE_QUERY,
  RELEASE_LOCK_UPDATE,
  type LockTableView,
  type ReleaseLockInput,
  type ReleaseLockResult,
} from '../../src/contract/locks.ts';
import { locksTaskQueue, nodeLocksWorkflowId, nodeTaskQueue, operationsTaskQueue } from '../../src/contract/names.ts';
import { NODE_LOCKS_WORKFLOW, type NodeLocksInput } from '../../src/contract/node-locks.ts';
import type { LockName, WantedLock } from '../../src/kernel/lock.ts';
import { createLockSinks } from '../../src/operator/lock-metrics.ts';
import { createLockActivities } from '../../src/temporal/lock-activities.ts';
import { createWorkers, SILENT_SINKS } from '../../src/temporal/workers.ts';
import { bundleWorkflows } from '../../src/temporal/workflow-bundle.ts';
import type { Refused, Taken } from '../../workflows/lock-client.ts';
import { LockServiceRecords } from './lock-service-record.ts';
import { sharedTemporal } from './shared-temporal.ts';
import * as script from './workflows/lock-requester.ts';

const BUNDLE = path.join(import.meta.dirname, 'workflows', 'lock-stage.ts');
let bundle: ReturnType<typeof bundleWorkflows> | undefined;

/** Looked at often: tests do not wait for the times of production. */
const TIMINGS = { livenessMs: 300, livenessMaxMs: 1_000, agentStartMs: 1_500 };

export class LockStage {
  readonly cluster = `t-${randomUUID().slice(0, 8)}`;
  readonly node = 'worker-1';
  client!: Client;
  records!: LockServiceRecords;
  readonly metrics = new Registry();
  readonly settled: Omit<SettleInput, 'node'>[] = [];
  readonly #sinks = createLockSinks(this.metrics);
  #workers: readonly Worker[] = [];
  #runs: Promise<void>[] = [];
  #agent: { worker: Worker; run: Promise<void> } | undefined;

  async open(): Promise<this> {
    const { client } = await sharedTemporal();
    this.client = client;
    this.records = new LockServiceRecords(client);
    await this.startWorkers();
    await this.startAgent();
    return this;
  }

  async close(): Promise<void> {
    await this.stopAgent();
    await this.stopWorkers();
  }

  /** As operators that are replaced by others: what runs is replayed from its history. */
  async restartWorkers(): Promise<void> {
    await this.stopWorkers();
    await this.startWorkers();
  }

  async startWorkers(): Promise<void> {
    const { native: connection, namespace } = await sharedTemporal();
    bundle ??= bundleWorkflows(BUNDLE);
    this.#workers = await createWorkers({
      connection,
      namespace,
      cluster: this.cluster,
      workflowBundle: (await bundle) as unknown as { codePath: string },
      operationActivities: {} as OperationActivities,
      lockActivities: createLockActivities(this.client),
      lockServiceActivities: this.records.activities,
      sinks: { ...SILENT_SINKS, ...this.#sinks },
    });
    this.#runs = this.#workers.map((worker) => worker.run());
  }

  async stopWorkers(): Promise<void> {
    for (const worker of this.#workers) worker.shutdown();
    await Promise.all(this.#runs);
  }

  async startAgent(): Promise<void> {
    const { native: connection, namespace } = await sharedTemporal();
    const settle = ({ tokens, below }: SettleInput): Promise<SettleResult> => {
      this.settled.push({ ...(tokens ? { tokens } : {}), ...(below === undefined ? {} : { below }) });
      return Promise.resolve({ bootId: 'boot', highestToken: 0 });
    };
    const worker = await Worker.create({
      connection,
      namespace,
      taskQueue: nodeTaskQueue(this.cluster, this.node),
      activities: { settle },
    });
    this.#agent = { worker, run: worker.run() };
  }

  async stopAgent(): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    agent?.worker.shutdown();
    await agent?.run;
  }

  /** Starts the lock entity before the first message would, with short times. */
  async startEntity(options: Pick<NodeLocksInput, 'historyLengthMax'> = {}): Promise<void> {
    await this.client.workflow.start(NODE_LOCKS_WORKFLOW, {
      workflowId: this.entity.workflowId,
      taskQueue: locksTaskQueue(this.cluster),
      args: [this.#input(options)],
    });
  }

  #input(options: Pick<NodeLocksInput, 'historyLengthMax'>): NodeLocksInput {
    return { cluster: this.cluster, node: this.node, timings: TIMINGS, ...options };
  }

  /** The latest run of the lock entity. */
  get entity(): WorkflowHandle {
    return this.client.workflow.getHandle(nodeLocksWorkflowId(this.cluster, this.node));
  }

  async entityRunId(): Promise<string> {
    return (await this.entity.describe()).runId;
  }

  view(): Promise<LockTableView> {
    return this.entity.query<LockTableView>(LOCK_TABLE_QUERY);
  }

  /** Purposes of the holders and waiters of one lock. */
  async queueOf(name: LockName): Promise<{ holders: readonly string[]; waiters: readonly string[] }> {
    const found = (await this.view()).locks.find((lock) => lock.name === name);
    const purposes = (parties: readonly { purpose: string }[] = []) => parties.map(({ purpose }) => purpose);
    return { holders: purposes(found?.holders), waiters: purposes(found?.waiters) };
  }

  releaseByHand(input: ReleaseLockInput): Promise<ReleaseLockResult> {
    return this.entity.executeUpdate<ReleaseLockResult, [ReleaseLockInput]>(RELEASE_LOCK_UPDATE, { args: [input] });
  }

  async requester(purpose: string, options: { timeoutMs?: number; causedBy?: string } = {}): Promise<Requester> {
    const workflowId = `${this.cluster}/requester/${purpose}`;
    const handle = await this.client.workflow.start(script.lockRequester, {
      workflowId,
      taskQueue: operationsTaskQueue(this.cluster),
      args: [{ cluster: this.cluster, node: this.node, purpose, ...options }],
    });
    return new Requester(handle);
  }
}

/** A workflow that takes and gives back what it is told to. */
export class Requester {
  readonly handle: WorkflowHandle;

  constructor(handle: WorkflowHandle) {
    this.handle = handle;
  }

  take(...locks: readonly WantedLock[]): Promise<Taken | Refused> {
    return this.handle.executeUpdate(script.take, { args: [{ locks }] });
  }

  /** As `take`, where a refusal fails the test. */
  async hold(...locks: readonly WantedLock[]): Promise<Taken> {
    const answer = await this.take(...locks);
    if (answer.kind === 'refused') throw new Error(`refused: ${answer.errno}: ${answer.message}`);
    return answer;
  }

  release(taken: Taken, ...names: LockName[]): Promise<readonly LockName[]> {
    return this.handle.executeUpdate(script.release, { args: [taken, ...names] });
  }

  /** The node refuses the token of a lock that it holds. */
  async isRefused(name: LockName): Promise<void> {
    await this.handle.executeUpdate(script.refuse, { args: [name] });
  }

  tokens(): Promise<Readonly<Record<LockName, number>>> {
    return this.handle.query(script.tokens);
  }

  /** Gives everything back; resolves with what that was. */
  async end(): Promise<readonly LockName[]> {
    await this.handle.signal(script.end);
    return (await this.handle.result()) as readonly LockName[];
  }

  async terminate(): Promise<void> {
    await this.handle.terminate('test');
  }
}
