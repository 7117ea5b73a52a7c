/** What the agent writes into the cluster: its own fields of a NodeMemory's and of a MemoryBlock's status. */
import type { Condition, MemoryBlock, NodeMemory, NodeMemoryStatus, ObservedBlock } from '../contract/resources.ts';

export const AGENT_READY = 'AgentReady';
export const NOTIFIERS_BYPASSED = 'NotifiersBypassed';
const CONDITION_TYPES: readonly string[] = [AGENT_READY, NOTIFIERS_BYPASSED];

/** A condition before it is known since when it stands. */
export type Verdict = Omit<Condition, 'lastTransitionTime' | 'observedGeneration'>;

/** The agent's answer to "is somebody there". */
export interface Readiness {
  readonly status: 'True' | 'False';
  readonly reason: 'Serving' | 'Stopped' | 'InvalidSpec' | 'DriverFailed' | 'DriverMismatch' | 'WaitingForAgent';
  readonly message: string;
}

export const SERVING: Readiness = { status: 'True', reason: 'Serving', message: 'The agent serves this node.' };

/** `known` is the condition as it stands in the cluster: its time is kept while the status is the same. */
export function withTime(verdict: Verdict, known: Condition | undefined, nowMs: number): Condition {
  const changed = known?.status !== verdict.status;
  const lastTransitionTime = changed ? `${new Date(nowMs).toISOString().slice(0, 19)}Z` : known.lastTransitionTime;
  return { ...verdict, lastTransitionTime };
}

export function conditionOf(node: NodeMemory, type: string): Condition | undefined {
  return node.status?.conditions?.find((condition) => condition.type === type);
}

/** The agent's fields of `block`, as they stand in the cluster. */
export function observedFields({ status }: MemoryBlock): ObservedBlock {
  const { state, zone, physicalAddress, blockSize, bootId } = status ?? {};
  return compact({ state, zone, physicalAddress, blockSize, bootId });
}

/** The agent's fields of `node`, as they stand in the cluster. */
export function nodeFields(node: NodeMemory): NodeMemoryStatus {
  const { driver, capabilities, blockSize, online, offline, blocks, bootId, fencingEpoch } = node.status ?? {};
  const ours = CONDITION_TYPES.flatMap((type) => conditionOf(node, type) ?? []);
  const conditions = ours.length > 0 ? ours : undefined;
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
