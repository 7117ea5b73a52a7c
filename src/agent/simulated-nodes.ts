/** The simulated nodes that this process serves. */
import { join } from 'node:path';
import type { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'winston';
import type { MemoryBlock, NodeMemory } from '../contract/resources.ts';
import { systemClock } from '../controller/clock.ts';
import { SimulatedDriver } from '../drivers/simulated/simulated-driver.ts';
import { WriteGate } from '../online-mems/write-gate.ts';
import { acquireAgentLock, type AgentLock } from './agent-lock.ts';
import { DEFAULT_SIMULATED } from './ensure-node-memory.ts';
import { GatedDriver } from './gated-driver.ts';
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
  readonly lock: AgentLock;
  /** Fingerprint of `spec.simulated` as the driver knows it. */
  spec: string;
}

export class SimulatedNodes {
  readonly #options: SimulatedNodesOptions;
  readonly #served = new Map<string, ServedNode>();
  /** Every MemoryBlock, by node and object name: a node may come later than its blocks. */
  readonly #blocks = new Map<string, Map<string, MemoryBlock>>();
  /** Nodes that another agent on this host still serves, as they are in the cluster. */
  readonly #awaited = new Map<string, { node: NodeMemory; readonly giveUp: AbortController }>();
  /** Nodes on their way out; one is not opened again before it has closed. */
  readonly #leaving = new Map<string, Promise<void>>();

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
    const awaited = this.#awaited.get(name);
    if (served) this.#configure(served, node);
    else if (awaited?.giveUp.signal.aborted === false) awaited.node = node;
    else void this.#serveOnceFree(node);
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
    for (const name of [...this.#served.keys(), ...this.#awaited.keys()]) this.#leave(name);
    await Promise.all(this.#leaving.values());
  }

  #isOurs({ metadata, spec }: NodeMemory): boolean {
    return this.#options.nodes ? this.#options.nodes.includes(metadata.name) : spec.simulated !== undefined;
  }

  /** Neither this process, on its way out, nor another one may serve the node at the same time. */
  async #serveOnceFree(node: NodeMemory): Promise<void> {
    const { name } = node.metadata;
    const { stateDirectory, logger } = this.#options;
    const awaited = { node, giveUp: new AbortController() };
    this.#awaited.set(name, awaited);
    try {
      await this.#leaving.get(name);
      const directory = join(stateDirectory, name);
      const lock = await acquireAgentLock(directory, logger.child({ node: name }), awaited.giveUp.signal);
      if (lock && awaited.giveUp.signal.aborted) lock.release();
      else if (lock) this.#serve(awaited.node, directory, lock);
    } catch (error) {
      logger.error('node cannot be served', { node: name, error: String(error) });
      void this.#tellUnserved(node, error as Error);
    } finally {
      if (this.#awaited.get(name) === awaited) this.#awaited.delete(name);
    }
  }

  #serve(node: NodeMemory, directory: string, lock: AgentLock): void {
    const { name } = node.metadata;
    const { logger, cluster, connection, namespace, writer } = this.#options;
    const spec = node.spec.simulated ?? DEFAULT_SIMULATED;
    const nodeLogger = logger.child({ node: name });
    try {
      const simulated = new SimulatedDriver({ directory, spec, logger: nodeLogger });
      const driver = new GatedDriver(simulated, new WriteGate({ directory }));
      const agent = new NodeAgent({ node: name, cluster, driver, connection, namespace, writer, logger: nodeLogger });
      this.#served.set(name, { driver: simulated, agent, lock, spec: fingerprint(spec) });
      agent.publisher.nodeSeen(node);
      for (const block of this.#blocks.get(name)?.values() ?? []) agent.publisher.blockSeen(block);
      nodeLogger.info('serving node');
    } catch (error) {
      lock.release();
      throw error;
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
    this.#awaited.get(name)?.giveUp.abort();
    const served = this.#served.get(name);
    if (!served) return;
    this.#served.delete(name);
    const left = served.agent.stop().finally(() => {
      served.lock.release();
      this.#leaving.delete(name);
    });
    this.#leaving.set(name, left);
  }
}
