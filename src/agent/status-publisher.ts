/** Keeps one node's statuses in the cluster equal to what its driver sees, with no more writes than there are changes. */
import type { Logger } from 'winston';
import type { MemoryDriver } from '../contract/memory-driver.ts';
import type { Condition, MemoryBlock, NodeMemory, NodeMemoryStatus, ObservedBlock } from '../contract/resources.ts';
import { pause, type Clock } from '../controller/clock.ts';
import { FailedWrites } from './failed-writes.ts';
import {
  AGENT_READY,
  nodeFields,
  observedFields,
  SERVING,
  withTime,
  type Readiness,
  type Verdict,
} from './node-view.ts';
import { observedBlocks } from './observed-blocks.ts';
import { PublishedStatuses } from './published-statuses.ts';
import { sideBySide } from './side-by-side.ts';

/** Applies a status; resolves too when the object does not exist. */
export interface StatusWriter {
  writeNode(name: string, status: object): Promise<void>;
  writeBlock(name: string, status: object): Promise<void>;
}

export interface StatusPublisherOptions {
  readonly node: string;
  readonly driver: MemoryDriver;
  readonly writer: StatusWriter;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random?: () => number;
  /** Conditions of the node besides AgentReady; asked each time that the status is made. */
  readonly moreConditions?: () => Promise<readonly Verdict[]>;
}

/** An API server that cannot be reached must not keep locks held: a step waits this long for its status, no longer. */
const PUBLISH_LIMIT_MS = 5_000;
/** A step of the driver changes something several times within milliseconds: one look at the node for all of them. */
const SETTLE_MS = 20;
/** Enough to hide the latency of the API server, too few to be a burden to it. */
const WRITES_SIDE_BY_SIDE = 4;
/** The node's own status, among the names of MemoryBlocks. */
const NODE = '';

/**
 * A MemoryBlock that is seen costs one look at that block. All blocks are looked at only when the driver tells of a change,
 * which names none, and then at once: by its status.
 */
export class StatusPublisher {
  readonly #options: StatusPublisherOptions;
  readonly #stopping = new AbortController();
  /** MemoryBlocks of this node, by object name. */
  readonly #blockIds = new Map<string, number>();
  readonly #published = new PublishedStatuses();
  /** Names of the objects that may have to be written. */
  readonly #dirty = new Set<string>();
  readonly #failed: FailedWrites;
  /** The agent's conditions as the cluster has them. */
  #conditions: readonly Condition[] = [];
  #readiness: Readiness = SERVING;
  #running: Promise<void> | undefined;
  /** Of the pass that has not begun: resolved when it is over. */
  #nextPass = Promise.withResolvers<undefined>();
  #forgetChange: (() => void) | undefined;

  constructor(options: StatusPublisherOptions) {
    const { clock, random = Math.random } = options;
    this.#options = options;
    this.#failed = new FailedWrites({
      clock,
      random,
      signal: this.#stopping.signal,
      retry: (names) => {
        this.#mark(names);
      },
    });
  }

  /** The NodeMemory as it is in the cluster; publishes if its status is not what was published last. */
  nodeSeen(node: NodeMemory): void {
    const fields = nodeFields(node);
    this.#conditions = fields.conditions ?? [];
    if (this.#published.seen(NODE, fields)) this.#tryNow(NODE);
  }

  blockSeen(block: MemoryBlock): void {
    const { name } = block.metadata;
    this.#blockIds.set(name, block.spec.blockId);
    this.#published.seen(name, observedFields(block));
    this.#tryNow(name);
  }

  blockGone(name: string): void {
    this.#blockIds.delete(name);
    this.#published.gone(name);
    this.#failed.delete(name);
  }

  /** The driver says that something has changed. */
  changed(): void {
    this.#forgetChange ??= this.#options.clock.after(SETTLE_MS, () => {
      this.#markAll();
    });
  }

  /** `moreConditions` would say something else now. */
  conditionsChanged(): void {
    this.#mark([NODE]);
  }

  setReadiness(readiness: Readiness): void {
    this.#readiness = readiness;
    this.#tryNow(NODE);
  }

  /**
   * Looks at everything and writes what has changed. Resolves when each write was tried once, and those of `blockIds` have
   * succeeded, or after five seconds, or on stop; what is left is tried again in the background. Never rejects.
   */
  async publish(blockIds: readonly number[] = []): Promise<void> {
    const ids = new Set(blockIds);
    await this.#publish([...this.#blockIds].filter(([, id]) => ids.has(id)).map(([name]) => name));
  }

  /** Tells the cluster that nobody serves the node any more, then publishes nothing again. */
  async stop(): Promise<void> {
    this.#readiness = { status: 'False', reason: 'Stopped', message: 'The agent was stopped; start it again.' };
    await this.#publish([NODE]);
    this.#stopping.abort();
    this.#forgetChange?.();
    await this.#running;
  }

  async #publish(awaited: readonly string[]): Promise<void> {
    for (const name of awaited) this.#failed.endWait(name);
    this.#markAll();
    const limit = new AbortController();
    const over = AbortSignal.any([limit.signal, this.#stopping.signal]);
    await Promise.race([this.#written(awaited, over), pause(this.#options.clock, PUBLISH_LIMIT_MS, over)]);
    limit.abort();
  }

  async #written(awaited: readonly string[], over: AbortSignal): Promise<void> {
    do await this.#nextPass.promise;
    while (!over.aborted && awaited.some((name) => this.#failed.has(name)));
  }

  #tryNow(name: string): void {
    this.#failed.endWait(name);
    this.#mark([name]);
  }

  #markAll(): void {
    this.#forgetChange?.();
    this.#forgetChange = undefined;
    this.#mark([NODE, ...this.#blockIds.keys()]);
  }

  #mark(names: readonly string[]): void {
    for (const name of names) this.#dirty.add(name);
    this.#running ??= this.#publishUntilClean();
  }

  async #publishUntilClean(): Promise<void> {
    // What is seen in one turn is one pass.
    await Promise.resolve();
    while (this.#dirty.size > 0 && !this.#stopping.signal.aborted) await this.#publishDirty();
    // In the turn that found nothing left: what is marked from now on starts anew.
    this.#running = undefined;
  }

  async #publishDirty(): Promise<void> {
    const { logger, node } = this.#options;
    const pass = this.#nextPass;
    this.#nextPass = Promise.withResolvers();
    const isWhole = this.#dirty.has(NODE);
    const due = [...this.#dirty].filter((name) => !this.#failed.isWaiting(name));
    this.#dirty.clear();
    const failures = await this.#attempt(due, isWhole);
    if (failures.size > 0) {
      const [[name, error] = []] = failures;
      const object = name === NODE ? node : name;
      logger.warn('status not written; trying again', { node, object, count: failures.size, error });
      this.#failed.add([...failures.keys()]);
    }
    pass.resolve(undefined);
  }

  /**
   * Blocks first: who sees the node's ranges may then rely on them. What cannot be written keeps nothing else back; it is
   * in the result, with the error.
   */
  async #attempt(due: readonly string[], isWhole: boolean): Promise<Map<string, unknown>> {
    const { driver } = this.#options;
    const failures = new Map<string, unknown>();
    const attempt = async (name: string, write: () => Promise<void>): Promise<void> => {
      try {
        await write();
        this.#failed.delete(name);
      } catch (error) {
        failures.set(name, error);
      }
    };
    try {
      const status = isWhole ? await driver.status() : undefined;
      const observe = status ? observedBlocks(status) : (blockId: number) => driver.observe(blockId);
      const blocks = due.filter((name) => name !== NODE);
      await sideBySide(blocks, { limit: WRITES_SIDE_BY_SIDE, signal: this.#stopping.signal }, (name) =>
        attempt(name, () => this.#publishBlock(name, observe)),
      );
      if (status && due.includes(NODE)) await attempt(NODE, () => this.#publishNode(status));
    } catch (error) {
      for (const name of due) failures.set(name, error);
    }
    return failures;
  }

  async #publishBlock(
    name: string,
    observe: (blockId: number) => ObservedBlock | Promise<ObservedBlock>,
  ): Promise<void> {
    const blockId = this.#blockIds.get(name);
    if (blockId === undefined) return;
    const observed = await observe(blockId);
    await this.#published.write(name, observed, () => this.#options.writer.writeBlock(name, observed));
  }

  async #publishNode(seen: NodeMemoryStatus): Promise<void> {
    const { writer, node, clock, moreConditions } = this.#options;
    const verdicts = [{ type: AGENT_READY, ...this.#readiness }, ...((await moreConditions?.()) ?? [])];
    const known = (type: string): Condition | undefined => this.#conditions.find((each) => each.type === type);
    this.#conditions = verdicts.map((verdict) => withTime(verdict, known(verdict.type), clock.nowMs()));
    const status = { ...seen, conditions: this.#conditions };
    await this.#published.write(NODE, status, () => writer.writeNode(node, status));
  }
}
