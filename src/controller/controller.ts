/**
 * The controller: changes in, keys through a queue, one look at a time at each MemoryBlock and MemoryNotifier.
 *
 * Any number may run side by side without an election: what two of them do at once, the workflow id, the object's
 * resourceVersion and the operation's second look make harmless.
 */
import type { LockService } from '../contract/lock-service.ts';
import type { NotifierTransport } from '../contract/notifier.ts';
import type { OperationStarter } from '../contract/operation-starter.ts';
import type { MemoryBlock, MemoryBlockStatus, MemoryNotifier, NodeMemory } from '../contract/resources.ts';
import { BlockDiscovery } from './block-discovery.ts';
import { systemClock, type Clock } from './clock.ts';
import type { Caches, Cluster, Log, NodeObject } from './cluster.ts';
import type { ControllerMetrics } from './controller-metrics.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { NodeTurns } from './node-turns.ts';
import type { OperationPolicy } from './operation-request.ts';
import { RecentLockTables } from './recent-lock-tables.ts';
import { BlockReconciler } from './reconcile-block.ts';
import { KubeletReporter } from './report-kubelet.ts';
import { LocksReporter } from './report-locks.ts';
import { NotifierReporter } from './report-notifier.ts';

/** A look is a few requests of milliseconds each; more side by side would only queue up at the API server. */
const CONCURRENCY = 8;
/** Nodes; of each, several MemoryBlocks are created side by side. */
const DISCOVERY_CONCURRENCY = 1;

export type Change = 'add' | 'update' | 'delete';

export interface ControllerOptions extends OperationPolicy {
  readonly clusterId: string;
  readonly caches: Caches;
  readonly cluster: Cluster;
  readonly starter: OperationStarter;
  readonly locks: LockService;
  /** What is wrong with how a notifier's plugin is reached or configured, and what to do; undefined when nothing is. */
  readonly checkTransport: (transport: NotifierTransport) => Promise<string | undefined>;
  readonly log: Log;
  /** Unset: nobody measures. */
  readonly metrics?: ControllerMetrics;
  readonly clock?: Clock;
  readonly concurrency?: number;
  /** See NodeTurns. */
  readonly operationsPerNode?: number;
  /** Between 0 and 1; Math.random when unset. */
  readonly random?: () => number;
}

export class Controller {
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #reconciler: BlockReconciler;
  readonly #discovery: BlockDiscovery;
  readonly #blocks: KeyedQueue;
  readonly #notifiers: KeyedQueue;
  /** Nodes whose locks are waited for, or shown. */
  readonly #locks: KeyedQueue;
  /** Nodes whose kubelet may have something new to say, or something old. */
  readonly #kubelets: KeyedQueue;
  /** Nodes that may have blocks without a MemoryBlock. */
  readonly #discoveries: KeyedQueue;
  readonly #turns: NodeTurns;
  /** Objects that went away while they named an operation, by their names. */
  readonly #orphaned = new Map<string, MemoryBlock>();
  /** What was last seen of each node, notifier: most of their updates change nothing for any block. */
  readonly #seen = new Map<string, string>();
  #isStarted = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
    const clock = options.clock ?? systemClock;
    this.#clock = clock;
    this.#turns = new NodeTurns(options.operationsPerNode);
    const onLongWait = (node: string): void => {
      this.#locks.add(node);
    };
    const locks = new RecentLockTables(options.locks, clock);
    const onTurn = (blocks: readonly string[]): void => {
      for (const name of blocks) this.#blocks.add(name);
    };
    this.#reconciler = new BlockReconciler({ ...options, clock, locks, turns: this.#turns, onLongWait, onTurn });
    const locksReporter = new LocksReporter({ ...options, clock, locks });
    this.#blocks = this.#queue('memoryblock', 'block', (name) => this.#lookAtBlock(name));
    const notifierReporter = new NotifierReporter({ ...options, clock });
    this.#notifiers = this.#queue('memorynotifier', 'notifier', (name) => notifierReporter.look(name));
    const kubeletReporter = new KubeletReporter({ ...options, clock });
    this.#kubelets = this.#queue('nodememory-kubelet', 'node', (name) => kubeletReporter.look(name));
    this.#locks = this.#queue('nodememory-locks', 'node', (name) => locksReporter.look(name));
    this.#discovery = new BlockDiscovery({ ...options, clock, random: options.random ?? Math.random });
    const discover = (name: string): Promise<number | undefined> => this.#discovery.look(name);
    this.#discoveries = this.#queue('nodememory-discovery', 'node', discover, DISCOVERY_CONCURRENCY);
  }

  /** Call once all copies are complete: until then an object that is not in them might just not be there yet. */
  start(): void {
    this.#isStarted = true;
    for (const { metadata } of this.#options.caches.blocks.list()) this.#blocks.add(metadata.name);
    for (const { metadata } of this.#options.caches.notifiers.list()) this.#notifiers.add(metadata.name);
    for (const node of this.#options.caches.nodeMemories.list()) this.#lookAtNodeMemory(node);
  }

  /** Lets what runs end, and starts nothing more. Operations go on: they are not ours. */
  async stop(): Promise<void> {
    this.#isStarted = false;
    const queues = [this.#blocks, this.#notifiers, this.#locks, this.#kubelets, this.#discoveries];
    await Promise.all(queues.map((queue) => queue.drain()));
  }

  /**
   * The status of `block`, whose operation has just ended, where nothing is left to be done but to say so: whoever writes the
   * outcome may write that along with it. Undefined as long as the copies do not tell enough.
   */
  settledStatus(block: MemoryBlock): MemoryBlockStatus | undefined {
    return this.#reconciler.settledStatus(block);
  }

  blockChanged(block: MemoryBlock, change: Change): void {
    const { name } = block.metadata;
    if (change === 'delete' && block.status?.operation) this.#orphaned.set(name, block);
    const next = change === 'delete' ? this.#turns.gone(block) : this.#turns.seen(block, this.#clock.nowMs());
    if (!this.#isStarted) return;
    for (const each of [name, ...next]) this.#blocks.add(each);
    if (change === 'delete') {
      this.#discovery.blockDeleted(block.spec.nodeName);
      this.#discoveries.add(block.spec.nodeName);
    }
  }

  nodeMemoryChanged(node: NodeMemory, change: Change): void {
    const { metadata, spec, status } = node;
    if (this.#isStarted && change !== 'delete') this.#lookAtNodeMemory(node);
    const { bootId, blockSize, capabilities, conditions } = status ?? {};
    const agent = conditions?.find(({ type }) => type === 'AgentReady');
    const owners = metadata.ownerReferences?.map(({ uid }) => uid);
    const { uid, labels } = metadata;
    const ready = [agent?.status, agent?.lastTransitionTime];
    const aspects = [uid, labels, owners, spec.minOnline, bootId, blockSize, capabilities, ...ready];
    this.#nodeAspects(`nodememory/${metadata.name}`, metadata.name, change, aspects);
  }

  nodeChanged({ metadata }: NodeObject, change: Change): void {
    if (this.#isStarted) this.#kubelets.add(metadata.name);
    this.#nodeAspects(`node/${metadata.name}`, metadata.name, change, [metadata.uid, metadata.labels]);
  }

  notifierChanged({ metadata }: MemoryNotifier, change: Change): void {
    if (this.#isStarted && change !== 'delete') this.#notifiers.add(metadata.name);
    const aspects = [metadata.uid, metadata.generation, metadata.deletionTimestamp];
    if (!this.#isNews(`notifier/${metadata.name}`, change, aspects)) return;
    for (const block of this.#options.caches.blocks.list()) this.blockChanged(block, 'update');
  }

  /** `controller`: its name in metrics; `what`: what its keys are the names of. */
  #queue(
    controller: string,
    what: string,
    process: (name: string) => Promise<number | undefined>,
    concurrency = this.#options.concurrency ?? CONCURRENCY,
  ): KeyedQueue {
    const { log, metrics } = this.#options;
    const measured = metrics?.queue(controller, concurrency, () => queue.state);
    const queue: KeyedQueue = new KeyedQueue({
      process,
      concurrency,
      clock: this.#clock,
      onError: (name, error, retryMs) => {
        log.error('look failed; it is tried again', { [what]: name, error, retryMs });
      },
      ...(measured ? { metrics: measured } : {}),
    });
    return queue;
  }

  #nodeAspects(key: string, node: string, change: Change, aspects: readonly unknown[]): void {
    if (!this.#isNews(key, change, aspects)) return;
    if (this.#isStarted) this.#discoveries.add(node);
    for (const block of this.#options.caches.blocks.list()) {
      if (block.spec.nodeName === node) this.blockChanged(block, 'update');
    }
  }

  #isNews(key: string, change: Change, aspects: readonly unknown[]): boolean {
    if (change === 'delete') return this.#seen.delete(key);
    const fingerprint = JSON.stringify(aspects);
    const isNews = this.#seen.get(key) !== fingerprint;
    this.#seen.set(key, fingerprint);
    return isNews;
  }

  #lookAtNodeMemory({ metadata, status }: NodeMemory): void {
    // Whoever has shown them may be gone: what is shown is everybody's to keep up to date.
    if ((status?.locks ?? []).length > 0) this.#locks.add(metadata.name);
    this.#kubelets.add(metadata.name);
    this.#discoveries.add(metadata.name);
  }

  async #lookAtBlock(name: string): Promise<number | undefined> {
    const orphaned = this.#orphaned.get(name);
    if (orphaned) {
      await this.#reconciler.abandon(orphaned);
      this.#orphaned.delete(name);
    }
    return this.#reconciler.reconcile(name);
  }
}
