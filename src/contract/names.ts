/**
 * Every name that two processes must agree on: workflow ids, task queues, search attributes, API group, finalizer.
 *
 * Ids and queues start with the cluster id, so that two clusters which share one Temporal namespace never meet.
 */

export const API_GROUP = 'memoryhotplug.io';
export const API_VERSION = 'v1alpha1';
export const FINALIZER = `${API_GROUP}/memory-block`;
export const PAUSED_ANNOTATION = `${API_GROUP}/paused`;
export const ORPHAN_ANNOTATION = `${API_GROUP}/orphan`;
/** On the MemoryBlocks that the operator has created by itself; its value is `true`. */
export const DISCOVERED_LABEL = `${API_GROUP}/discovered`;
/** On the Lease of a node: the operation that this project holds it for, as JSON. */
export const LEASE_OPERATION_ANNOTATION = `${API_GROUP}/operation`;

/** Field managers: the agent owns what it observed (state, zone, address, size), the operator all other status. */
export const AGENT_FIELD_MANAGER = 'memhp-agent';
export const OPERATOR_FIELD_MANAGER = 'memhp-operator';
/** Owns NodeMemory.status.lockService alone: leaving it out of another application must not remove it. */
export const LOCK_SERVICE_FIELD_MANAGER = 'memhp-lock-service';
/** Owns NodeMemory.status.locks alone: all operators apply it in turn, and leaving it out removes it. */
export const LOCKS_FIELD_MANAGER = 'memhp-locks';
/** Owns NodeMemory.status.kubelet and the condition KubeletCapacityStale: the agent owns the other conditions. */
export const KUBELET_FIELD_MANAGER = 'memhp-kubelet';
/** Owns MemoryNotifier.status.lastCall alone: whichever operator has called last, at whatever version the object is. */
export const LAST_CALL_FIELD_MANAGER = 'memhp-last-call';

/** One running operation per block: the id is the guard that saves work; the locks are what makes it safe. */
export function operationWorkflowId(cluster: string, node: string, blockId: number): string {
  return `${cluster}/memoryblock/${node}/${String(blockId)}`;
}

/** A dry run; `session` tells those about the same block apart. */
export function explainWorkflowId(cluster: string, node: string, blockId: number, session: string): string {
  return `${cluster}/explain/${node}/${String(blockId)}/${session}`;
}

/** The lock entity of one node. */
export function nodeLocksWorkflowId(cluster: string, node: string): string {
  return `${cluster}/nodelocks/${node}`;
}

/** The one entity of the cluster that limits how many offlines are under way at a time. */
export function offlinePermitsWorkflowId(cluster: string): string {
  return `${cluster}/offline-permits`;
}

/** Operation workflows and cluster-side activities. */
export function operationsTaskQueue(cluster: string): string {
  return `${cluster}/operations`;
}

/** Lock entities only: they have a worker of their own, so that no operation can starve them. */
export function locksTaskQueue(cluster: string): string {
  return `${cluster}/locks`;
}

/** Driver steps of one node; polled by that node's agent. */
export function nodeTaskQueue(cluster: string, node: string): string {
  return `${cluster}/node/${node}`;
}

/** Of one process of `memhp lock`: the command runs there and nowhere else. */
export function commandTaskQueue(cluster: string, session: string): string {
  return `${cluster}/cli/${session}`;
}

/**
 * Whether a queue has the form of one of ours, whatever the cluster: they take calls that change memory, or run the command
 * of `memhp lock`, so nothing that a custom resource says may be sent there.
 */
export function isReservedTaskQueue(queue: string): boolean {
  return /^[^/]+\/(?:operations$|locks$|node\/|cli\/)/.test(queue);
}

/** The workflow that holds locks for one process of `memhp lock`. */
export function holdLocksWorkflowId(cluster: string, node: string, session: string): string {
  return `${cluster}/hold/${node}/${session}`;
}

/** Ids of the activities that are plugins on task queues begin so, and no others: their results are not ours. */
export const PLUGIN_ACTIVITY_ID_PREFIX = 'plugin/';

/** The name that the API server demands of a MemoryBlock: `<nodeName>-memory<blockId>`. */
export function memoryBlockName(node: string, blockId: number): string {
  return `${node}-memory${String(blockId)}`;
}

/** What a workflow with one of the ids above is about; undefined for an id of another form, or of the whole cluster. */
export function subjectOfWorkflow(
  workflowId: string,
): { readonly node: string; readonly blockId?: number } | undefined {
  const { kind, node, rest } = /^[^/]+\/(?<kind>\w+)\/(?<node>[^/]+)(?:\/(?<rest>.+))?$/.exec(workflowId)?.groups ?? {};
  if (node === undefined) return undefined;
  if (kind === 'nodelocks' || kind === 'hold') return { node };
  const [blockId = ''] = rest?.split('/') ?? [];
  const isOfBlock = (kind === 'memoryblock' || kind === 'explain') && /^\d+$/.test(blockId);
  return isOfBlock ? { node, blockId: Number(blockId) } : undefined;
}

/** All are of type Keyword; `memhp` development servers register them at start. */
export const SEARCH_ATTRIBUTES = {
  node: 'NodeName',
  block: 'MemoryBlock',
  operation: 'MemoryOperation',
  result: 'OperationResult',
} as const;
