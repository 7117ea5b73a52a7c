/** Keeps one node's statuses in the cluster equal to what its driver sees, with no more writes than there are changes. */
import type { Logger } from 'winston';
import type { MemoryDriver } from '../contract/memory-driver.ts';
import type { Condition, MemoryBlock, NodeMemory } from '../contract/resources.ts';
import { jitteredBackoffMs } from '../controller/backoff.ts';
import { pause, type Clock } from '../controller/clock.ts';
import {
  AGENT_READY,
  fingerprint,
  nodeFields,
  observedFields,
  SERVING,
  withTime,
  type Readiness,
  type Verdict,
} from './node-view.ts';

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
const BACKOFF = { baseMs: 200, maxMs: 30_000 };

export class StatusPublisher {
  readonly #options: StatusPublisherOptions;
  readonly #stopping = new AbortController();
  /** MemoryBlocks of this node, by object name. */
  readonly #blockIds = new Map<string, number>();
  /** Fingerprint of what the cluster has, by object name; the node's own under the empty name. */
  readonly #published = new Map<string, string>();
  /** The agent's conditions as the cluster has them. */
  #conditions: readonly Condition[] = [];
  #readiness: Readiness = SERVING;
  #isDirty = false;
  #pass: Promise<void> | undefined;

  constructor(options: StatusPublisherOptions) {
    this.#options = options;
  }

  /** The NodeMemory as it is in the cluster; publishes if its status is not what the driver sees. */
  nodeSeen(node: NodeMemory): void {
    const fields = nodeFields(node);
    this.#conditions = fields.conditions ?? [];
    this.#published.set('', fingerprint(fields));
    void this.#publish();
  }

  blockSeen(block: MemoryBlock): void {
    const { name } = block.metadata;
    this.#blockIds.set(name, block.spec.blockId);
    this.#published.set(name, fingerprint(observedFields(block)));
    void this.#publish();
  }

  blockGone(name: string): void {
    this.#blockIds.delete(name);
    this.#published.delete(name);
  }

  setReadiness(readiness: Readiness): void {
    this.#readiness = readiness;
    void this.#publish();
  }

  /**
   * Writes what has changed. Resolves when all of it is written, or after five seconds, or on stop; what is left is tried
   * again in the background. Never rejects.
   */
  async publish(): Promise<void> {
    const limit = new AbortController();
    const limitReached = pause(this.#options.clock, PUBLISH_LIMIT_MS, limit.signal);
    await Promise.race([this.#publish(), limitReached]);
    limit.abort();
  }

  /** Tells the cluster that nobody serves the node any more, then publishes nothing again. */
  async stop(): Promise<void> {
    this.#readiness = { status: 'False', reason: 'Stopped', message: 'The agent was stopped; start it again.' };
    await this.publish();
    this.#stopping.abort();
    await this.#pass;
  }

  #publish(): Promise<void> {
    this.#isDirty = true;
    this.#pass ??= this.#publishUntilClean().finally(() => (this.#pass = undefined));
    return this.#pass;
  }

  async #publishUntilClean(): Promise<void> {
    const { clock, logger, node, random = Math.random } = this.#options;
    for (let failures = 0; this.#isDirty && !this.#stopping.signal.aborted;) {
      this.#isDirty = false;
      try {
        await this.#publishOnce();
        failures = 0;
      } catch (error) {
        this.#isDirty = true;
        const retryMs = Math.round(jitteredBackoffMs(BACKOFF, failures++, random));
        logger.warn('status not written; trying again', { node, retryMs, error });
        await pause(clock, retryMs, this.#stopping.signal);
      }
    }
  }

  /** Blocks first: who sees the node's ranges may then rely on them. */
  async #publishOnce(): Promise<void> {
    const { driver, writer, node, clock, moreConditions } = this.#options;
    for (const [name, blockId] of [...this.#blockIds]) {
      const observed = await driver.observe(blockId);
      await this.#write(name, observed, () => writer.writeBlock(name, observed));
    }
    const verdicts = [{ type: AGENT_READY, ...this.#readiness }, ...((await moreConditions?.()) ?? [])];
    const known = (type: string): Condition | undefined => this.#conditions.find((each) => each.type === type);
    this.#conditions = verdicts.map((verdict) => withTime(verdict, known(verdict.type), clock.nowMs()));
    const status = { ...(await driver.status()), conditions: this.#conditions };
    await this.#write('', status, () => writer.writeNode(node, status));
  }

  async #write(name: string, fields: object, write: () => Promise<void>): Promise<void> {
    const wanted = fingerprint(fields);
    if (this.#published.get(name) === wanted) return;
    await write();
    if (name === '' || this.#blockIds.has(name)) this.#published.set(name, wanted);
  }
}
