/** A real Temporal server, the real workflows and lock service; no Kubernetes, and a node that is a few lines of code. */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type { LockServiceActivities, OperationActivities } from '../../src/contract/activities.ts';
import { LOCK_TABLE_QUERY, type LockTableView } from '../../src/contract/locks.ts';
import { nodeLocksWorkflowId, nodeTaskQueue } from '../../src/contract/names.ts';
import type { OperationInput, OperationOutcome, OperationRequest } from '../../src/contract/operations.ts';
import { lookAgain } from '../../src/controller/look-again.ts';
import { acquireTools } from '../../src/dev/acquire-tool.ts';
import { startTemporal } from '../../src/dev/start-temporal.ts';
import { supervise, type ProcessGroup } from '../../src/dev/supervise.ts';
import { createLogger } from '../../src/process/create-logger.ts';
import { closedRuns } from '../../src/temporal/closed-runs.ts';
import { connectTemporal, type TemporalConnections } from '../../src/temporal/connect-temporal.ts';
import { installRuntime } from '../../src/temporal/install-runtime.ts';
import { createLockActivities } from '../../src/temporal/lock-activities.ts';
import { recoverLockTable } from '../../src/temporal/recover-lock-table.ts';
import { startOperation } from '../../src/temporal/start-operation.ts';
import { createWorkers } from '../../src/temporal/workers.ts';
import { workflowBundle } from '../../src/temporal/workflow-bundle.ts';
import { BLOCK_SIZE_BYTES, type WindowNode } from './window-node.ts';

const CLUSTER = 'lock-inversion';
/** Nothing in this story takes a second; what takes this long has gone wrong. */
const PATIENCE_MS = 20_000;
const LOOK_INTERVAL_MS = 50;

export interface RunningOperation {
  readonly runId: string;
  readonly outcome: Promise<OperationOutcome>;
}

export class Stage {
  readonly #processes: ProcessGroup;
  readonly #temporal: TemporalConnections;
  readonly #workers: Worker[] = [];
  readonly #working: Promise<void>[] = [];

  private constructor(processes: ProcessGroup, temporal: TemporalConnections) {
    this.#processes = processes;
    this.#temporal = temporal;
  }

  /** On a failure nothing is left running. */
  static async open(): Promise<Stage> {
    const directory = await mkdtemp(path.join(tmpdir(), 'memhp-lock-inversion-'));
    process.on('exit', () => {
      rmSync(directory, { recursive: true, force: true });
    });
    const processes = supervise({ logDirectory: directory });
    try {
      const log = createLogger({ process: 'lock-inversion', level: 'error', format: 'text' });
      installRuntime(log);
      const tools = await acquireTools(['temporal']);
      const { address } = await startTemporal({ tools, processes, stateDirectory: directory, headless: true });
      const temporal = await connectTemporal(log, AbortSignal.timeout(PATIENCE_MS), { address });
      if (!temporal) throw new Error(`Temporal was started at ${address} and does not answer; try again`);
      const stage = new Stage(processes, temporal);
      await stage.#startOperator();
      return stage;
    } catch (error) {
      await processes.stopAll();
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) worker.shutdown();
    await Promise.all(this.#working);
    await this.#temporal.close();
    await this.#processes.stopAll();
  }

  /** An agent for `node`. */
  async serve(node: WindowNode): Promise<void> {
    const { native: connection, namespace } = this.#temporal;
    const taskQueue = nodeTaskQueue(CLUSTER, node.name);
    this.#run(await Worker.create({ connection, namespace, taskQueue, activities: { ...node.activities } }));
  }

  /** What every operation on `node` is started with. */
  inputFor(node: WindowNode): Pick<OperationInput, 'cluster' | 'node' | 'lockTimeoutMs'> {
    return { cluster: CLUSTER, node: node.name, lockTimeoutMs: PATIENCE_MS };
  }

  /** Starts an operation directly, as no controller would: nothing but the locks keeps two of one block apart. */
  async start(request: OperationRequest): Promise<RunningOperation> {
    const workflowId = `${CLUSTER}/${request.input.node}/${request.type}`;
    const runId = await startOperation(this.#client, { workflowId, request, blockSizeBytes: BLOCK_SIZE_BYTES });
    const outcome = this.#client.workflow.getHandle(workflowId, runId).result() as Promise<OperationOutcome>;
    return { runId, outcome };
  }

  lockTable(node: WindowNode): Promise<LockTableView> {
    const entity = this.#client.workflow.getHandle(nodeLocksWorkflowId(CLUSTER, node.name));
    return entity.query<LockTableView>(LOCK_TABLE_QUERY);
  }

  /** The table as soon as it is as `isReached` says. */
  async lockTableWhen(node: WindowNode, isReached: (table: LockTableView) => boolean): Promise<LockTableView> {
    const endMs = Date.now() + PATIENCE_MS;
    for (;;) {
      const table = await this.lockTable(node);
      if (isReached(table)) return table;
      if (Date.now() > endMs) throw new Error(`the lock table stays as it is: ${JSON.stringify(table)}`);
      await delay(LOOK_INTERVAL_MS);
    }
  }

  get #client(): Client {
    return this.#temporal.client;
  }

  async #startOperator(): Promise<void> {
    const { client, native: connection, namespace } = this.#temporal;
    const workers = await createWorkers({
      ...{ connection, namespace, cluster: CLUSTER, workflowBundle: await workflowBundle() },
      operationActivities: OPERATION_ACTIVITIES,
      lockActivities: createLockActivities(client),
      lockServiceActivities: lockServiceActivities(client),
    });
    for (const worker of workers) this.#run(worker);
  }

  #run(worker: Worker): void {
    this.#workers.push(worker);
    this.#working.push(worker.run());
  }
}

/** Operations without an object: nothing is read from Kubernetes, nobody has registered for a notification. */
const OPERATION_ACTIVITIES: OperationActivities = {
  lookAgain: (input) => {
    const node = { metadata: { name: input.node }, spec: {} };
    const chain = { notifiers: [], fingerprint: 'none' };
    return Promise.resolve(lookAgain(input, { block: undefined, node, isCrdTerminating: false, chain }));
  },
  findDebt: () => Promise.resolve(undefined),
  callPlugins: () => Promise.reject(new Error('nobody is registered')),
  callWebhook: () => Promise.reject(new Error('nobody is registered')),
  recordOutcome: () => Promise.resolve(undefined),
};

/** Without NodeMemory.status.lockService: here every lock entity is the first of its node. */
function lockServiceActivities(client: Client): LockServiceActivities {
  return {
    claimLockService: () => Promise.resolve({ epoch: 1, recovers: [], isRecordLost: false }),
    recordRecovered: () => Promise.resolve('recorded'),
    recoverLockTable: (input) => recoverLockTable(client, input),
    describeHolders: async ({ holders }) => ({ closed: await closedRuns(client, holders) }),
    reportLockdep: () => Promise.resolve(),
    auditLockRelease: () => Promise.resolve(),
  };
}
