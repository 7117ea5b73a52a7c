/** An operator of one simulated node as far as chains need it: the real workers, locks, threads and webhook client. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { temporal } from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import type { OperationActivities } from '../../src/contract/activities.ts';
import { nodeTaskQueue } from '../../src/contract/names.ts';
import type { NotifierCall } from '../../src/contract/notifier-calls.ts';
import type { RegisteredNotifier } from '../../src/contract/notifier.ts';
import type { OperationOutcome } from '../../src/contract/operations.ts';
import { lookAgain } from '../../src/controller/look-again.ts';
import { askWithinWalk } from '../../src/operator/ask-within-walk.ts';
import { createCallSinks } from '../../src/operator/call-sinks.ts';
import { createPluginHost, type PluginHost } from '../../src/plugins/in-process/plugin-host.ts';
import { loadPlugins } from '../../src/plugins/plugin-registry.ts';
import { callWebhook } from '../../src/plugins/webhook/call-webhook.ts';
import type { TemporalConnections } from '../../src/temporal/connect-temporal.ts';
import { createLockActivities } from '../../src/temporal/lock-activities.ts';
import { startOperation } from '../../src/temporal/start-operation.ts';
import { createWorkers, SILENT_SINKS } from '../../src/temporal/workers.ts';
import { workflowBundle } from '../../src/temporal/workflow-bundle.ts';
import { LockServiceRecords } from '../../test/support/lock-service-record.ts';
import { ScriptedNode } from '../../test/support/scripted-node.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

const CLUSTER = 'bench';
const BLOCK = 32;
const PLUGIN = path.join(import.meta.dirname, 'agreeable-plugin.ts');

/** One offline of the node's only block. */
export interface Offline {
  /** From the request to start it until the client knows its outcome. */
  readonly elapsedMs: number;
  readonly events: readonly HistoryEvent[];
  readonly calls: readonly NotifierCall[];
}

export class BenchmarkOperator {
  readonly #temporal: TemporalConnections;
  readonly #plugins: PluginHost;
  readonly #node = new ScriptedNode('worker-1');
  readonly #workers: Worker[] = [];
  #runs: Promise<void>[] = [];
  #notifiers: readonly RegisteredNotifier[] = [];
  #calls: NotifierCall[] = [];

  private constructor(temporal: TemporalConnections, plugins: PluginHost) {
    this.#temporal = temporal;
    this.#plugins = plugins;
  }

  static async start(temporal: TemporalConnections): Promise<BenchmarkOperator> {
    const registry = await loadPlugins({ specifiers: [PLUGIN] });
    const operator = new BenchmarkOperator(temporal, createPluginHost({ registry, cluster: NO_CLUSTER, log: SILENT }));
    await operator.#startWorkers();
    return operator;
  }

  async #startWorkers(): Promise<void> {
    const { client, native: connection, namespace } = this.#temporal;
    const called = (call: NotifierCall): void => void this.#calls.push(call);
    this.#workers.push(
      ...(await createWorkers({
        connection,
        namespace,
        cluster: CLUSTER,
        workflowBundle: await workflowBundle(),
        operationActivities: this.#activities,
        lockActivities: createLockActivities(client),
        lockServiceActivities: new LockServiceRecords(client).activities,
        sinks: { ...SILENT_SINKS, ...createCallSinks([{ called }]) },
      })),
      await Worker.create({
        connection,
        namespace,
        taskQueue: nodeTaskQueue(CLUSTER, this.#node.name),
        activities: { ...this.#node.activities },
      }),
    );
    this.#runs = this.#workers.map((worker) => worker.run());
  }

  /** Lets the running tasks end. */
  async stop(): Promise<void> {
    for (const worker of this.#workers) worker.shutdown();
    await Promise.all(this.#runs);
    await this.#plugins.close();
  }

  /** Takes the block offline with these notifiers registered. Throws when that does not succeed. */
  async offline(notifiers: readonly RegisteredNotifier[]): Promise<Offline> {
    const { client } = this.#temporal;
    this.#node.states.set(BLOCK, 'online');
    this.#notifiers = notifiers;
    this.#calls = [];
    const workflowId = `${CLUSTER}/offline/${randomUUID()}`;
    const base = { cluster: CLUSTER, node: this.#node.name, lockTimeoutMs: 60_000 };
    const input = { ...base, blockId: BLOCK, offlineTimeoutMs: 60_000 };
    const startedMs = performance.now();
    const runId = await startOperation(client, { workflowId, request: { type: 'offline', input } });
    const handle = client.workflow.getHandle(workflowId, runId);
    const outcome = (await handle.result()) as OperationOutcome;
    const elapsedMs = performance.now() - startedMs;
    const isAgreed = this.#calls.every(({ result }) => result === 'NOTIFY_OK');
    if (outcome.result !== 'Succeeded' || !isAgreed) throw new Error(`an offline failed: ${JSON.stringify(outcome)}`);
    return { elapsedMs, events: (await handle.fetchHistory()).events ?? [], calls: this.#calls };
  }

  readonly #activities: OperationActivities = {
    lookAgain: (input) => {
      const node = { metadata: { name: input.node }, spec: {} };
      const chain = { notifiers: this.#notifiers, fingerprint: 'bench' };
      return Promise.resolve(lookAgain(input, { block: undefined, node, isCrdTerminating: false, chain }));
    },
    callPlugins: (input) => askWithinWalk(input, (notifier, event) => this.#plugins.call(notifier, event)),
    callWebhook: async ({ notifier, ...input }) => {
      const [result] = await askWithinWalk({ notifiers: [notifier], ...input }, callWebhook);
      if (!result) throw new TypeError(`${notifier.name} was not asked`);
      return result;
    },
    findDebt: () => Promise.resolve(undefined),
    recordOutcome: () => Promise.resolve(undefined),
  };
}

const NO_CLUSTER = {
  node: () => Promise.resolve(undefined),
  podsOnNode: () => Promise.resolve([]),
  nodeMemoryOnlineBytes: () => Promise.resolve(undefined),
};

const ignore = (): void => {
  // Nobody reads it.
};
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };
