/** What goes wrong, on purpose and while locks are held. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isGrpcServiceError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { nodeLocksWorkflowId } from '../../src/contract/names.ts';
import type { LockActivities } from '../../src/contract/activities.ts';
import type { TemporalServer } from '../../src/dev/start-temporal.ts';
import { answeredRequests, eventsOf } from '../support/history-story.ts';
import type { HistoryClock } from './clock.ts';
import type { HistoryRecord } from './history.ts';
import type { LiveClient, Load } from './load.ts';
import type { SeededRandom } from './random.ts';
import type { WorkerProcesses } from './worker-processes.ts';

export const FAULT_KINDS = [
  'kill a worker',
  'terminate a holder',
  'terminate a waiter',
  'terminate the lock workflow',
  'reset the lock workflow',
  'delete the lock workflow',
  'restart the server',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface FaultCount {
  injected: number;
  /** Of those, how many while a step was under way at the fence. */
  whileHeld: number;
}

export interface FaultsOptions {
  readonly kinds: readonly FaultKind[];
  /** Of each kind, while a lock is held. */
  readonly wanted: number;
  /** Between the end of one and the next. */
  readonly pauseMs: { readonly least: number; readonly most: number };
  readonly client: Client;
  readonly cluster: string;
  readonly nodes: readonly string[];
  readonly load: Load;
  readonly clock: HistoryClock;
  readonly random: SeededRandom;
  readonly server: TemporalServer;
  readonly workers: WorkerProcesses;
  readonly lockActivities: LockActivities;
}

/** How long a fault waits until there is somebody whom it can hit. */
const VICTIM_LIMIT_MS = 15_000;
const VICTIM_EVERY_MS = 5;
const REASON = 'fault of the linearizability run';

export class Faults {
  readonly counts = new Map<FaultKind, FaultCount>();
  readonly records: HistoryRecord[] = [];
  /** Messages sent once more, after those whom they were about had ended. */
  repeated = 0;
  private readonly options: FaultsOptions;

  constructor(options: FaultsOptions) {
    this.options = options;
    for (const kind of options.kinds) this.counts.set(kind, { injected: 0, whileHeld: 0 });
  }

  get areDone(): boolean {
    return [...this.counts.values()].every(({ whileHeld }) => whileHeld >= this.options.wanted);
  }

  /** Until each kind has hit as often as wanted, or `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { random, pauseMs } = this.options;
    const isOver = (): boolean => signal.aborted;
    while (!isOver() && !this.areDone) {
      const open = [...this.counts].filter(([, { whileHeld }]) => whileHeld < this.options.wanted);
      for (const [kind] of random.shuffled(open)) {
        if (isOver()) return;
        await delay(random.between(pauseMs.least, pauseMs.most), undefined, { signal }).catch(() => undefined);
        if (!isOver()) await this.inject(kind);
      }
    }
  }

  /** Sends what ended runs once sent again, late: requests and releases. Until `signal` aborts. */
  async repeatMessages(signal: AbortSignal): Promise<void> {
    const { random, load, client, cluster, lockActivities } = this.options;
    const isOver = (): boolean => signal.aborted;
    while (!isOver()) {
      await delay(random.between(100, 600), undefined, { signal }).catch(() => undefined);
      // Not so late that its tombstone has been overwritten: the entity remembers the last 512.
      const ended = load.ended.splice(0, load.ended.length).slice(-20);
      if (ended.length === 0 || isOver()) continue;
      const { workflowId, runId, observed } = random.pick(ended);
      const takes = observed.steps.flatMap((step) => (step.kind === 'take' ? [step.locks] : []));
      const holder = { workflowId, runId };
      const { node, name: purpose } = observed;
      const send = async (more: object): Promise<void> => {
        await lockActivities.releaseLocks({ cluster, node, message: { holder, purpose, ...more } });
        this.repeated += 1;
      };
      try {
        // It asked for one list after the other, each when the one before had been answered.
        const ids = answeredRequests(await eventsOf(client, workflowId, runId));
        for (const [index, locks] of takes.slice(0, ids.length).entries()) {
          const id = ids[index] ?? '';
          await send(random.next() < 0.5 ? { request: { id, locks } } : { release: [{ id }] });
        }
      } catch {
        // The server is away: what is late may be lost as well.
      }
    }
  }

  private async inject(kind: FaultKind): Promise<void> {
    const { clock, load } = this.options;
    const victim = await this.victimOf(kind);
    if (victim === undefined) return;
    const call = clock.now();
    const count = this.counts.get(kind);
    if (!count) return;
    count.injected += 1;
    if (load.holders.length > 0) count.whileHeld += 1;
    await this.carryOut(kind, victim);
    const who = victim === 'anybody' ? '' : `: ${victim.observed.name}`;
    this.records.push({ op: 'fault', label: `${kind}${who}`, call, return: clock.now() });
  }

  private async carryOut(kind: FaultKind, victim: LiveClient | 'anybody'): Promise<void> {
    const { server, workers, random } = this.options;
    if (victim !== 'anybody') await this.terminateClient(victim);
    else if (kind === 'kill a worker') await workers.killOne(random);
    else if (kind === 'terminate the lock workflow') await this.terminate(this.entityOf(this.pickNode()));
    else if (kind === 'reset the lock workflow') await this.reset(this.entityOf(this.pickNode()));
    else if (kind === 'delete the lock workflow') await this.delete(this.pickNode());
    else {
      await server.kill();
      await server.start();
    }
  }

  /** Waits until there is somebody to hit, and some lock is held. */
  private async victimOf(kind: FaultKind): Promise<LiveClient | 'anybody' | undefined> {
    const { load, random } = this.options;
    for (let waitedMs = 0; waitedMs < VICTIM_LIMIT_MS; waitedMs += VICTIM_EVERY_MS) {
      const { holders, waiters } = load;
      const victims = kind === 'terminate a holder' ? holders : waiters;
      if (holders.length > 0) {
        if (kind !== 'terminate a holder' && kind !== 'terminate a waiter') return 'anybody';
        if (victims.length > 0) return random.pick(victims);
      }
      await delay(VICTIM_EVERY_MS);
    }
    return undefined;
  }

  private async terminateClient({ workflowId, runId, observed }: LiveClient): Promise<void> {
    observed.close();
    await this.terminate(workflowId, runId);
  }

  /** Whose locks are held, if there is such a node. */
  private pickNode(): string {
    const { nodes, load, random } = this.options;
    const held = load.holders.map(({ observed }) => observed.node);
    return random.pick(held.length > 0 ? held : nodes);
  }

  private entityOf(node: string): string {
    return nodeLocksWorkflowId(this.options.cluster, node);
  }

  /** With its history. Nobody can know then who waits: those are ended, as whoever deletes a lock workflow would have to. */
  private async delete(node: string): Promise<void> {
    const { client, load } = this.options;
    const clientsOfNode = (): readonly LiveClient[] => [...load.live].filter(({ observed }) => observed.node === node);
    for (const { observed } of clientsOfNode()) observed.lose();
    await client.workflowService
      .deleteWorkflowExecution({
        namespace: client.options.namespace,
        workflowExecution: { workflowId: this.entityOf(node) },
      })
      .catch((error: unknown) => {
        // It is not running: it was terminated just before, and nobody has needed it since.
        if (!isGrpcServiceError(error)) throw error;
      });
    const waiting = clientsOfNode().filter(({ observed }) => observed.waitingFor.length > 0);
    for (const live of waiting) await this.terminateClient(live);
  }

  /** Back to some workflow task of the present run: what it did after that, it does not know any more. */
  private async reset(workflowId: string): Promise<void> {
    const { client, random } = this.options;
    const handle = client.workflow.getHandle(workflowId);
    try {
      const { runId } = await handle.describe();
      const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      const tasks = (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes);
      await client.workflowService.resetWorkflowExecution({
        namespace: client.options.namespace,
        workflowExecution: { workflowId, runId },
        reason: REASON,
        workflowTaskFinishEventId: random.pick(tasks).eventId ?? null,
        requestId: randomUUID(),
      });
    } catch (error) {
      // It has continued as new, or was terminated and not yet started again, in between.
      if (!(error instanceof WorkflowNotFoundError) && !isGrpcServiceError(error)) throw error;
    }
  }

  private async terminate(workflowId: string, runId?: string): Promise<void> {
    try {
      await this.options.client.workflow.getHandle(workflowId, runId).terminate(REASON);
    } catch (error) {
      // It had ended by itself, just before.
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
}
