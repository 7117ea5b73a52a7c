import { randomUUID } from 'node:crypto';
import {
  NOTIFIER_API_VERSION,
  notifyOf,
  type MemoryNotify,
  type NotifierReply,
  type WalkNotify,
} from '../../contract/notifier.ts';
import { DEVICE_HOTPLUG_LOCK, deviceLock, MEM_HOTPLUG_LOCK } from '../../contract/lock-names.ts';
import { operationWorkflowId } from '../../contract/names.ts';
import type { MemoryAction } from '../../kernel/memory-action.ts';
import { ROADS, type Road } from './road.ts';
import { Seen } from './seen.ts';

const PAGE_BYTES = 4096;
const BLOCK_BYTES = 128 * 2 ** 20;
/** The first block of a machine above 4 GiB. */
const FIRST_BLOCK = 32;
/** Events say that they are of this cluster, which is none. */
const CLUSTER = 'plugin-test';

/** An operation that nobody runs: it exists only in the events. */
export interface PlayedRun {
  readonly runId: string;
  readonly node: string;
  readonly blockId: number;
  /** Larger than that of every run before. */
  readonly token: number;
}

export interface AskOptions {
  readonly dryRun?: boolean;
  /** Instead of the whole timeout. */
  readonly withinMs?: number;
  /** A last change to the event. */
  readonly edit?: (event: MemoryNotify) => MemoryNotify;
}

export interface AskerOptions {
  /** Asks the plugin as the operator would, until the event's deadline; resolves whatever the plugin does. */
  readonly ask: (event: MemoryNotify) => Promise<NotifierReply>;
  /** For which MemoryNotifier the plugin is asked. */
  readonly notifier: string;
  /** The node that all events are about, but those that need another. */
  readonly node: string;
  /** What the plugin will be registered for. */
  readonly actions: readonly MemoryAction[];
  readonly timeoutMs: number;
  readonly shortDeadlineMs: number;
}

/** Asks one plugin about operations that do not exist, and remembers what is still to be taken back. */
export class Asker {
  readonly seen = new Seen();
  readonly node: string;
  readonly timeoutMs: number;
  readonly shortDeadlineMs: number;
  readonly #options: AskerOptions;
  readonly #answered: Set<MemoryAction>;
  readonly #open = new Map<PlayedRun, Road>();
  #runs = 0;
  #otherNodes = 0;

  constructor(options: AskerOptions) {
    this.#options = options;
    this.node = options.node;
    this.timeoutMs = options.timeoutMs;
    this.shortDeadlineMs = options.shortDeadlineMs;
    this.#answered = new Set(options.actions);
  }

  /** Whether the plugin is registered for `action`, and has not shown that it cannot answer it at all. */
  answers(action: MemoryAction): boolean {
    return this.#answered.has(action);
  }

  /** One fault is told once: no later check asks about `action`. */
  giveUp(action: MemoryAction): void {
    this.#answered.delete(action);
  }

  /** The roads of which the plugin answers all of `parts`. */
  roads(...parts: readonly (keyof Road)[]): readonly Road[] {
    return ROADS.filter((road) => parts.every((part) => this.answers(road[part])));
  }

  /** A new operation, later than all before; on the block of `like`, or on a block of its own. */
  run(like: Partial<Pick<PlayedRun, 'node' | 'blockId'>> = {}): PlayedRun {
    const token = ++this.#runs;
    const { node = this.#options.node, blockId = FIRST_BLOCK + token } = like;
    return { runId: randomUUID(), node, blockId, token };
  }

  /** Name of a node that the plugin was never asked about. */
  otherNode(): string {
    return `${this.node}-${String(++this.#otherNodes)}`;
  }

  /** What it would say to another operation on the block of `like`. */
  askDry(like: PlayedRun, going: MemoryAction): Promise<NotifierReply> {
    return this.ask(this.run(like), going, { dryRun: true });
  }

  async ask(run: PlayedRun, action: MemoryAction, options: AskOptions = {}): Promise<NotifierReply> {
    const event = this.event(run, action, options);
    if (!event.dryRun) this.#remember(run, action);
    const reply = await this.#options.ask(event);
    this.seen.note(event, reply);
    return reply;
  }

  /** The event of a call, complete. */
  event(run: PlayedRun, action: MemoryAction, options: AskOptions = {}): MemoryNotify {
    const { dryRun = false, withinMs = this.timeoutMs, edit = (event: MemoryNotify) => event } = options;
    const { runId, node, blockId, token } = run;
    const deadline = new Date(Date.now() + withinMs).toISOString();
    const walk = {
      apiVersion: NOTIFIER_API_VERSION,
      action,
      cluster: CLUSTER,
      node,
      ...placeOf(blockId),
      ...(action.endsWith('ONLINE') && { onlineType: 'online_movable' as const }),
      numaNode: 0,
      workflowId: operationWorkflowId(CLUSTER, node, blockId),
      runId,
      // A dry run is asked by nobody who holds a lock.
      tokens: dryRun ? {} : tokensOf(blockId, token),
      dryRun,
    } satisfies WalkNotify;
    return edit(notifyOf(walk, this.#options.notifier, deadline));
  }

  /** Tells the plugin CANCEL of every operation that it was asked about and not told the end of. */
  async takeBack(): Promise<void> {
    const open = [...this.#open].filter(([, { cancel }]) => this.answers(cancel));
    this.#open.clear();
    await Promise.all(open.map(([run, { cancel }]) => this.ask(run, cancel)));
  }

  #remember(run: PlayedRun, action: MemoryAction): void {
    const road = ROADS.find(({ going }) => going === action);
    if (road) this.#open.set(run, road);
    else this.#open.delete(run);
  }
}

/** Where block `blockId` is in memory. */
export function placeOf(
  blockId: number,
): Pick<MemoryNotify, 'blockId' | 'startPfn' | 'nrPages' | 'physicalAddress' | 'sizeBytes'> {
  return {
    blockId,
    startPfn: (blockId * BLOCK_BYTES) / PAGE_BYTES,
    nrPages: BLOCK_BYTES / PAGE_BYTES,
    physicalAddress: `0x${(BigInt(blockId) * BigInt(BLOCK_BYTES)).toString(16)}`,
    sizeBytes: BLOCK_BYTES,
  };
}

function tokensOf(blockId: number, token: number): Readonly<Record<string, number>> {
  return { [DEVICE_HOTPLUG_LOCK]: token, [deviceLock(blockId)]: token, [MEM_HOTPLUG_LOCK]: token };
}
