/** Says in a NodeMemory why this agent does not serve it. */
import type { Logger } from 'winston';
import type { NodeMemory } from '../contract/resources.ts';
import { systemClock } from '../controller/clock.ts';
import { AGENT_READY, conditionOf, fingerprint, nodeFields, withTime, type Readiness } from './node-view.ts';
import type { StatusWriter } from './status-publisher.ts';

export class UnservedNodes {
  readonly #writer: StatusWriter;
  readonly #logger: Logger;
  /** What `tellOnce` has said, by node. */
  readonly #told = new Map<string, string>();

  constructor(writer: StatusWriter, logger: Logger) {
    this.#writer = writer;
    this.#logger = logger;
  }

  /** What else the agent has said about the node stays as it is. */
  async tell(node: NodeMemory, reason: Readiness['reason'], message: string): Promise<void> {
    const { name } = node.metadata;
    const known = conditionOf(node, AGENT_READY);
    const condition = withTime({ type: AGENT_READY, status: 'False', reason, message }, known, systemClock.nowMs());
    if (fingerprint(condition) === fingerprint(known)) return;
    const { conditions = [], ...fields } = nodeFields(node);
    const others = conditions.filter(({ type }) => type !== AGENT_READY);
    await this.#writer.writeNode(name, { ...fields, conditions: [condition, ...others] }).catch((cause: unknown) => {
      this.#logger.warn('status not written', { node: name, error: cause });
    });
  }

  /** Where an agent of the other driver serves the node, that one says so again: two must not overwrite each other for ever. */
  async tellOnce(node: NodeMemory, reason: Readiness['reason'], message: string): Promise<void> {
    const { name } = node.metadata;
    if (this.#told.get(name) === message) return;
    this.#told.set(name, message);
    this.#logger.error('node is not served', { node: name, detail: message });
    await this.tell(node, reason, message);
  }

  /** Where somebody serves the node, there is nothing to say. */
  async tellWaiting(node: NodeMemory, holders: string): Promise<void> {
    if (conditionOf(node, AGENT_READY)?.status === 'True') return;
    const message = `Another agent runs on this host: ${holders}; this one takes over when it has ended.`;
    await this.tell(node, 'WaitingForAgent', message);
  }

  forget(name: string): void {
    this.#told.delete(name);
  }
}
