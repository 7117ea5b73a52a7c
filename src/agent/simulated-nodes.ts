/** The simulated nodes that this process serves. */
import { join } from 'node:path';
import type { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'winston';
import type { MemoryBlock, NodeMemory } from '../contract/resources.ts';
import { systemClock } from '../controller/clock.ts';
import { SimulatedDriver } from '../drivers/simulated/simulated-driver.ts';
import { DEFAULT_SIMULATED } from './ensure-node-memory.ts';
import { NodeAgent } from './node-agent.ts';
import { agentReady, agentReadyOf, fingerprint } from './node-view.ts';
import type { StatusWriter } from './status-publisher.ts';

export interface SimulatedNodesOptions {
  readonly stateDirectory: string;
  /** Unset: every NodeMemory that has `spec.simulated`. */
  readonly nodes: readonly string[] | undefined;
  readonly cluster: string;
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly writer: StatusWriter;
  readonly logger: Logger;
}

interface ServedNode {
  readonly driver: SimulatedDriver;
  readonly agent: NodeAgent;
  /** Fingerprint of `spec.simulated` as the driver knows it. */
  spec: string;
}

export class SimulatedNodes {
  readonly #options: SimulatedNodesOptions;
  readonly #served = new Map<string, ServedNode>();
  /** Every MemoryBlock, by node and object name: a node may come later than its blocks. */
  readonly #blocks = new Map<string, Map<string, MemoryBlock>>();
  /** Nodes on their way out; one is not opened again before it has closed. */
  readonly #leaving = new Map<string, Promise<void>>();
  #isStopped = false;

  constructor(options: SimulatedNodesOptions) {
    this.#options = options;
  }

  nodeSeen(node: NodeMemory): void {
    const { name } = node.metadata;
    if (!this.#isOurs(node)) {
      this.#leave(name);
      return;
    }
    const served = this.#served.get(name);
    if (served) this.#configure(served, node);
    else void this.#serveOnceLeft(node);
  }

  nodeGone(name: string): void {
    // A node named on the command line is served for as long as the process runs: its memory is there, object or not.
    if (!this.#options.nodes) this.#leave(name);
  }

  blockSeen(block: MemoryBlock): void {
    const { nodeName } = block.spec;
    const blocks = this.#blocks.get(nodeName) ?? new Map<string, MemoryBlock>();
    this.#blocks.set(nodeName, blocks.set(block.metadata.name, block));
    this.#served.get(nodeName)?.agent.publisher.blockSeen(block);
  }

  blockGone(block: MemoryBlock): void {
    const { nodeName } = block.spec;
    this.#blocks.get(nodeName)?.delete(block.metadata.name);
    this.#served.get(nodeName)?.agent.publisher.blockGone(block.metadata.name);
  }

  /** Leaves every node; resolves when all have been told so in the cluster, or cannot be. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const name of [...this.#served.keys()]) this.#leave(name);
    await Promise.all(this.#leaving.values());
  }

  #isOurs({ metadata, spec }: NodeMemory): boolean {
    return this.#options.nodes ? this.#options.nodes.includes(metadata.name) : spec.simulated !== undefined;
  }

  async #serveOnceLeft(node: NodeMemory): Promise<void> {
    await this.#leaving.get(node.metadata.name);
    if (!this.#isStopped) this.#serve(node);
  }

  #serve(node: NodeMemory): void {
    const { name } = node.metadata;
    if (this.#served.has(name)) return;
    const { stateDirectory, logger, cluster, connection, namespace, writer } = this.#options;
    const spec = node.spec.simulated ?? DEFAULT_SIMULATED;
    const nodeLogger = logger.child({ node: name });
    try {
      const driver = new SimulatedDriver({ directory: join(stateDirectory, name), spec, logger: nodeLogger });
      const agent = new NodeAgent({ node: name, cluster, driver, connection, namespace, writer, logger: nodeLogger });
      this.#served.set(name, { driver, agent, spec: fingerprint(spec) });
      agent.publisher.nodeSeen(node);
      for (const block of this.#blocks.get(name)?.values() ?? []) agent.publisher.blockSeen(block);
      nodeLogger.info('serving node');
    } catch (error) {
      nodeLogger.error('node cannot be served', { error: String(error) });
      void this.#tellUnserved(node, error as Error);
    }
  }

  #configure(served: ServedNode, node: NodeMemory): void {
    const spec = node.spec.simulated ?? DEFAULT_SIMULATED;
    if (served.spec !== fingerprint(spec)) {
      served.spec = fingerprint(spec);
      try {
        served.driver.configure(spec);
        served.agent.publisher.setReadiness({
          status: 'True',
          reason: 'Serving',
          message: 'The agent serves this node.',
        });
      } catch (error) {
        const message = `The agent serves this node as it was before the last edit: ${(error as Error).message}.`;
        served.agent.publisher.setReadiness({ status: 'True', reason: 'InvalidSpec', message });
      }
    }
    served.agent.publisher.nodeSeen(node);
  }

  async #tellUnserved(node: NodeMemory, error: Error): Promise<void> {
    const readiness = { status: 'False', reason: 'InvalidSpec', message: error.message } as const;
    const condition = agentReady(readiness, agentReadyOf(node), systemClock.nowMs());
    if (fingerprint(condition) === fingerprint(agentReadyOf(node))) return;
    await this.#options.writer.writeNode(node.metadata.name, { conditions: [condition] }).catch((cause: unknown) => {
      this.#options.logger.warn('status not written', { node: node.metadata.name, error: String(cause) });
    });
  }

  #leave(name: string): void {
    const served = this.#served.get(name);
    if (!served) return;
    this.#served.delete(name);
    const left = served.agent.stop().finally(() => this.#leaving.delete(name));
    this.#leaving.set(name, left);
  }
}
