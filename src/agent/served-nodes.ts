/** The nodes that this process serves, or waits to serve, as their NodeMemory objects come and go. */
import { join } from 'node:path';
import type { MemoryBlock, NodeMemory } from '../contract/resources.ts';
import { acquireAgentLock, type AgentLock } from './agent-lock.ts';
import { ServedNode, type ServedNodeOptions } from './served-node.ts';
import { UnservedNodes } from './unserved-nodes.ts';

export interface ServedNodesOptions extends Omit<ServedNodeOptions, 'lock' | 'directory'> {
  readonly stateDirectory: string;
}

/** Of the nodes that are not served, so many are named. */
const NAMED_MAX = 5;

export class ServedNodes {
  readonly #options: ServedNodesOptions;
  readonly #unserved: UnservedNodes;
  readonly #served = new Map<string, ServedNode>();
  /** Every MemoryBlock, by node and object name: a node may come later than its blocks. */
  readonly #blocks = new Map<string, Map<string, MemoryBlock>>();
  /** Nodes that another agent on this host still serves, as they are in the cluster. */
  readonly #awaited = new Map<string, { node: NodeMemory; readonly giveUp: AbortController }>();
  /** Nodes on their way out; one is not opened again before it has closed. */
  readonly #leaving = new Map<string, Promise<void>>();

  constructor(options: ServedNodesOptions) {
    this.#options = options;
    this.#unserved = new UnservedNodes(options.writer, options.logger);
  }

  nodeSeen(node: NodeMemory): void {
    const { name } = node.metadata;
    const { source } = this.#options;
    if (!source.isOurs(node)) {
      this.#leave(name);
      return;
    }
    const refusal = source.refusal(node);
    if (refusal !== undefined) {
      void this.#refuse(node, refusal);
      return;
    }
    const served = this.#served.get(name);
    const awaited = this.#awaited.get(name);
    if (served) served.seen(node);
    else if (awaited?.giveUp.signal.aborted === false) awaited.node = node;
    else void this.#serveOnceFree(node);
  }

  nodeGone(name: string): void {
    this.#unserved.forget(name);
    // A node named on the command line is served for as long as the process runs: its memory is there, object or not.
    if (!this.#options.source.nodes) this.#leave(name);
  }

  blockSeen(block: MemoryBlock): void {
    const { nodeName } = block.spec;
    const blocks = this.#blocks.get(nodeName) ?? new Map<string, MemoryBlock>();
    this.#blocks.set(nodeName, blocks.set(block.metadata.name, block));
    this.#served.get(nodeName)?.blockSeen(block);
  }

  blockGone(block: MemoryBlock): void {
    const { nodeName } = block.spec;
    this.#blocks.get(nodeName)?.delete(block.metadata.name);
    this.#served.get(nodeName)?.blockGone(block.metadata.name);
  }

  /** Whether every node that is this process's to serve is served, and takes steps. */
  check(): { readonly ok: boolean; readonly message: string } {
    const wanted = new Set([...(this.#options.source.nodes ?? []), ...this.#awaited.keys()]);
    const missing = [...wanted].filter((name) => !this.#served.has(name));
    const idle = [...this.#served].flatMap(([name, served]) => {
      const { ok, message } = served.check();
      return ok ? [] : [`${name}: ${message}`];
    });
    const wrong = [...missing.map((name) => `${name} is not served`), ...idle];
    if (wrong.length === 0) return { ok: true, message: `nodes served: ${String(this.#served.size)}` };
    const more = wrong.length > NAMED_MAX ? `; and ${String(wrong.length - NAMED_MAX)} more` : '';
    return { ok: false, message: `${wrong.slice(0, NAMED_MAX).join('; ')}${more}` };
  }

  /** How many nodes are served. */
  get size(): number {
    return this.#served.size;
  }

  /** Leaves every node; resolves when all have been told so in the cluster, or cannot be. */
  async stop(): Promise<void> {
    for (const name of [...this.#served.keys(), ...this.#awaited.keys()]) this.#leave(name);
    await Promise.all(this.#leaving.values());
  }

  /** Neither this process, on its way out, nor another one may serve the node at the same time. */
  async #serveOnceFree(node: NodeMemory): Promise<void> {
    const { name } = node.metadata;
    const { stateDirectory } = this.#options;
    const awaited = { node, giveUp: new AbortController() };
    this.#awaited.set(name, awaited);
    try {
      await this.#leaving.get(name);
      const directory = join(stateDirectory, name);
      const lock = await this.#acquireLock(awaited, directory);
      if (lock && awaited.giveUp.signal.aborted) lock.release();
      else if (lock) this.#serve(awaited.node, directory, lock);
    } catch (error) {
      this.#options.logger.error('node cannot be served', { node: name, error });
      await this.#unserved.tell(awaited.node, this.#options.source.openFailure, (error as Error).message);
    } finally {
      if (this.#awaited.get(name) === awaited) this.#awaited.delete(name);
    }
  }

  #acquireLock(
    awaited: { readonly node: NodeMemory; readonly giveUp: AbortController },
    directory: string,
  ): Promise<AgentLock | undefined> {
    const { source, stateDirectory, logger } = this.#options;
    return acquireAgentLock({
      directories: source.isHostWide ? [stateDirectory, directory] : [directory],
      logger: logger.child({ node: awaited.node.metadata.name }),
      signal: awaited.giveUp.signal,
      onWait: (holders) => void this.#unserved.tellWaiting(awaited.node, holders),
    });
  }

  #serve(node: NodeMemory, directory: string, lock: AgentLock): void {
    const { name } = node.metadata;
    const logger = this.#options.logger.child({ node: name });
    const served = new ServedNode(node, { ...this.#options, directory, lock, logger });
    this.#served.set(name, served);
    for (const block of this.#blocks.get(name)?.values() ?? []) served.blockSeen(block);
    logger.info('serving node', { directory });
  }

  async #refuse(node: NodeMemory, why: string): Promise<void> {
    const { name } = node.metadata;
    this.#leave(name);
    await this.#leaving.get(name);
    await this.#unserved.tellOnce(node, 'DriverMismatch', why);
  }

  #leave(name: string): void {
    this.#awaited.get(name)?.giveUp.abort();
    const served = this.#served.get(name);
    if (!served) return;
    this.#served.delete(name);
    const left = served.leave().finally(() => {
      this.#leaving.delete(name);
    });
    this.#leaving.set(name, left);
  }
}
