/** One node for as long as this process serves it: its lock, its driver behind the reader gate, its agent. */
import type { MemoryBlock, NodeMemory } from '../contract/resources.ts';
import { WriteGate } from '../online-mems/write-gate.ts';
import type { AgentLock } from './agent-lock.ts';
import { AutoOnline } from './auto-online.ts';
import { GatedDriver } from './gated-driver.ts';
import { NodeAgent, type NodeAgentOptions } from './node-agent.ts';
import type { NodeSource, OpenedNode } from './node-source.ts';
import { fingerprint, SERVING } from './node-view.ts';

export interface ServedNodeOptions extends Omit<NodeAgentOptions, 'node' | 'driver' | 'moreConditions'> {
  readonly source: NodeSource;
  /** Held; released when the node is left, and when it cannot be opened. */
  readonly lock: AgentLock;
  readonly directory: string;
}

export class ServedNode {
  readonly #lock: AgentLock;
  readonly #opened: OpenedNode;
  readonly #autoOnline: AutoOnline | undefined;
  readonly #agent: NodeAgent;
  readonly #stopWatching: (() => void) | undefined;
  /** Fingerprint of the NodeMemory's. */
  #spec: string;

  /** Serves at once. Throws what the source throws, and leaves nothing open. */
  constructor(node: NodeMemory, options: ServedNodeOptions) {
    const { source, lock, directory, logger } = options;
    this.#lock = lock;
    this.#spec = fingerprint(node.spec);
    let close: (() => Promise<void>) | undefined;
    try {
      this.#opened = source.open(node, { directory, logger });
      const { driver } = this.#opened;
      close = () => driver.close();
      const gated = new GatedDriver(driver, new WriteGate({ directory }));
      close = () => gated.close();
      const autoOnline = driver.autoOnlineBlocks && new AutoOnline(driver.autoOnlineBlocks, logger);
      this.#autoOnline = autoOnline;
      this.#agent = new NodeAgent({
        ...options,
        node: node.metadata.name,
        driver: gated,
        ...(autoOnline ? { moreConditions: async () => [await autoOnline.enforce()] } : {}),
      });
    } catch (error) {
      void (close?.() ?? Promise.resolve())
        .catch((cause: unknown) => logger.error('driver not closed', { error: cause }))
        .finally(() => {
          lock.release();
        });
      throw error;
    }
    this.#autoOnline?.want(node.spec.autoOnline);
    this.#stopWatching = this.#autoOnline?.watch(() => {
      this.#agent.publisher.conditionsChanged();
    });
    this.#agent.publisher.nodeSeen(node);
  }

  /** The NodeMemory as it is in the cluster now. */
  seen(node: NodeMemory): void {
    const spec = fingerprint(node.spec);
    if (spec !== this.#spec) {
      this.#spec = spec;
      this.#configure(node);
    }
    this.#agent.publisher.nodeSeen(node);
  }

  blockSeen(block: MemoryBlock): void {
    this.#agent.publisher.blockSeen(block);
  }

  blockGone(name: string): void {
    this.#agent.publisher.blockGone(name);
  }

  /** As of the agent. */
  check(): { readonly ok: boolean; readonly message: string } {
    return this.#agent.check();
  }

  /** Resolves when another agent may serve the node. */
  async leave(): Promise<void> {
    this.#stopWatching?.();
    await this.#agent.stop().finally(() => {
      this.#lock.release();
    });
  }

  #configure({ spec }: NodeMemory): void {
    this.#autoOnline?.want(spec.autoOnline);
    try {
      this.#opened.configure?.(spec);
      this.#agent.publisher.setReadiness(SERVING);
    } catch (error) {
      const message = `The agent serves this node as it was before the last edit: ${(error as Error).message}.`;
      this.#agent.publisher.setReadiness({ status: 'True', reason: 'InvalidSpec', message });
    }
  }
}
