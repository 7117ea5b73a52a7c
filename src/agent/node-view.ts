/** What the agent writes into the cluster: its own fields of a NodeMemory's and of a MemoryBlock's status. */
import type { Condition, MemoryBlock, NodeMemory, NodeMemoryStatus, ObservedBlock } from '../contract/resources.ts';

export const AGENT_READY = 'AgentReady';

/** The agent's answer to "is somebody there". */
export interface Readiness {
  readonly status: 'True' | 'False';
  readonly reason: 'Serving' | 'Stopped' | 'InvalidSpec';
  readonly message: string;
}

/** `known` is the condition as it stands in the cluster: its time is kept while the status is the same. */
export function agentReady(readiness: Readiness, known: Condition | undefined, nowMs: number): Condition {
  const changed = known?.status !== readiness.status;
  const lastTransitionTime = changed ? `${new Date(nowMs).toISOString().slice(0, 19)}Z` : known.lastTransitionTime;
  return { type: AGENT_READY, ...readiness, lastTransitionTime };
}

export function agentReadyOf(node: NodeMemory | undefined): Condition | undefined {
  return node?.status?.conditions?.find(({ type }) => type === AGENT_READY);
}

/** The agent's fields of `block`, as they stand in the cluster. */
export function observedFields({ status }: MemoryBlock): ObservedBlock {
  const { state, zone, physicalAddress, blockSize, bootId } = status ?? {};
  return compact({ state, zone, physicalAddress, blockSize, bootId });
}

/** The agent's fields of `node`, as they stand in the cluster. */
export function nodeFields(node: NodeMemory): NodeMemoryStatus {
  const { driver, capabilities, blockSize, online, offline, blocks, bootId, fencingEpoch } = node.status ?? {};
  const condition = agentReadyOf(node);
  const conditions = condition ? [condition] : undefined;
  return compact({ driver, capabilities, blockSize, online, offline, blocks, bootId, fencingEpoch, conditions });
}

/** Equal as JSON, whatever the order of keys: the API server sorts them. */
export function fingerprint(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
}

function compact<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
