/** The clients: so many at a time, each running one script after the other, watched from here. */
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError, type Client } from '@temporalio/client';
import { operationsTaskQueue } from '../../src/contract/names.ts';
import type { ClientInput, ClientOutcome } from './client-script.ts';
import type { HistoryClock } from './clock.ts';
import type { HistoryRecord } from './history.ts';
import { ObservedClient } from './observed-client.ts';
import type { SeededRandom } from './random.ts';
import { pickScript, type HoldTimes, type ScriptName } from './scripts.ts';

export interface LoadOptions {
  readonly client: Client;
  readonly cluster: string;
  readonly nodes: readonly string[];
  readonly clientsPerNode: number;
  /** What clients choose from. */
  readonly scripts: readonly ScriptName[];
  readonly holdMs: HoldTimes;
  readonly clock: HistoryClock;
  readonly random: SeededRandom;
}

/** A client run that has not ended. */
export interface LiveClient {
  readonly workflowId: string;
  readonly runId: string | undefined;
  readonly observed: ObservedClient;
}

export class Load {
  /** Of all clients ever, by workflow id. */
  readonly observed = new Map<string, ObservedClient>();
  readonly live = new Set<LiveClient>();
  /** Runs that ended by themselves, for messages that come twice. */
  readonly ended: { readonly workflowId: string; readonly runId: string; readonly observed: ObservedClient }[] = [];
  queueMax = 0;
  private isStopping = false;
  private readonly options: LoadOptions;
  private loops: Promise<void>[] = [];

  constructor(options: LoadOptions) {
    this.options = options;
  }

  start(): void {
    const { nodes, clientsPerNode } = this.options;
    this.loops = nodes.flatMap((node, index) =>
      Array.from({ length: clientsPerNode }, (_, place) => this.loop(node, index * clientsPerNode + place)),
    );
  }

  /** Whoever has a step under way at the fence. */
  get holders(): readonly LiveClient[] {
    return [...this.live].filter(({ observed }) => observed.isHolding && !observed.isClosed);
  }

  /** Whoever has asked and holds nothing yet. */
  get waiters(): readonly LiveClient[] {
    return [...this.live].filter(
      ({ observed, runId }) => runId && !observed.isHolding && !observed.isClosed && observed.waitingFor.length > 0,
    );
  }

  /** No new clients; resolves when the last has ended. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await Promise.all(this.loops);
  }

  /** Ends from outside whoever has not ended by itself. */
  async abandon(): Promise<void> {
    const { workflow } = this.options.client;
    for (const { workflowId, runId, observed } of this.live) {
      observed.close();
      // Whoever ends just now needs no help.
      await workflow
        .getHandle(workflowId, runId)
        .terminate('the run is over')
        .catch(() => undefined);
    }
    await this.stop();
  }

  history(): readonly HistoryRecord[] {
    return [...this.observed.values()].flatMap((client) => client.conclude());
  }

  private async loop(node: string, client: number): Promise<void> {
    for (let round = 1; !this.isStopping; round++) await this.run(node, client, round);
  }

  private async run(node: string, client: number, round: number): Promise<void> {
    const { clock, cluster, random, scripts, holdMs } = this.options;
    const name = `c${String(client)}.${String(round)}`;
    const workflowId = `${cluster}/client/${name}`;
    const steps = pickScript(random, scripts, holdMs);
    const observed = new ObservedClient({ clock, client, name, node, steps });
    this.observed.set(workflowId, observed);
    this.noteQueues(node);
    const live: { workflowId: string; runId: string | undefined; observed: ObservedClient } = {
      workflowId,
      runId: undefined,
      observed,
    };
    this.live.add(live);
    live.runId = await this.startWorkflow(workflowId, { cluster, node, purpose: name, steps });
    const outcome = await this.resultOf(workflowId, live.runId);
    observed.end(outcome);
    this.live.delete(live);
    if (outcome) this.ended.push({ workflowId, runId: live.runId, observed });
  }

  private async startWorkflow(workflowId: string, input: ClientInput): Promise<string> {
    const { workflow } = this.options.client;
    const taskQueue = operationsTaskQueue(input.cluster);
    return this.insist(async () => {
      try {
        const options = { workflowId, taskQueue, args: [input], workflowTaskTimeout: '5 seconds' } as const;
        return (await workflow.start('lockClient', options)).firstExecutionRunId;
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        return (await workflow.getHandle(workflowId).describe()).runId;
      }
    });
  }

  /** Undefined: somebody has terminated it. */
  private async resultOf(workflowId: string, runId: string): Promise<ClientOutcome | undefined> {
    const handle = this.options.client.workflow.getHandle(workflowId, runId);
    return this.insist(async () => {
      try {
        return (await handle.result()) as ClientOutcome;
      } catch (error) {
        if (error instanceof WorkflowFailedError) return undefined;
        throw error;
      }
    });
  }

  /** The server comes and goes; what a client wants of it stays the same. */
  private async insist<T>(call: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call();
      } catch (error) {
        if (attempt === INSIST_MAX) throw error;
        await delay(INSIST_EVERY_MS);
      }
    }
  }

  private noteQueues(node: string): void {
    const lengths = new Map<string, number>();
    for (const { observed } of this.live) {
      if (observed.node !== node || observed.isHolding) continue;
      for (const lock of observed.waitingFor) lengths.set(lock, (lengths.get(lock) ?? 0) + 1);
    }
    this.queueMax = Math.max(this.queueMax, ...lengths.values());
  }
}

const INSIST_EVERY_MS = 250;
/** A minute: longer than any restart of the server. */
const INSIST_MAX = 240;
