/** The controller's view of the cluster, on a real API server. */
import type { KubeConfig } from '@kubernetes/client-node';
import { API_GROUP, KUBELET_FIELD_MANAGER, LOCKS_FIELD_MANAGER, OPERATOR_FIELD_MANAGER } from '../contract/names.ts';
import type { MemoryBlock, MemoryNotifier, NodeMemory, ObjectMeta } from '../contract/resources.ts';
import type { Cluster, Log, NodeObject } from '../controller/cluster.ts';
import { operatorFields } from '../controller/operator-fields.ts';
import { isNotFound } from './api-error.ts';
import { apiRequest } from './api-request.ts';
import { EventRecorder, type ObjectEvent } from './event-recorder.ts';
import { ResourceClient } from './resource-client.ts';
import { MEMORY_BLOCKS, MEMORY_NOTIFIERS, NODE_MEMORIES, NODES, type ResourceKind } from './resource-kind.ts';

const CRD_PATH = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/memoryblocks.${API_GROUP}`;

export interface KubernetesClusterOptions {
  readonly kubeConfig: KubeConfig;
  /** Which of several operators this is; shown in events. */
  readonly instance: string;
  readonly log: Log;
}

export function createKubernetesCluster({ kubeConfig, instance, log }: KubernetesClusterOptions): Cluster {
  const blocks = new ResourceClient<MemoryBlock>(kubeConfig, MEMORY_BLOCKS, OPERATOR_FIELD_MANAGER);
  const nodeMemories = new ResourceClient<NodeMemory>(kubeConfig, NODE_MEMORIES, OPERATOR_FIELD_MANAGER);
  const shownLocks = new ResourceClient(kubeConfig, NODE_MEMORIES, LOCKS_FIELD_MANAGER);
  const kubelets = new ResourceClient<NodeMemory>(kubeConfig, NODE_MEMORIES, KUBELET_FIELD_MANAGER);
  const notifiers = new ResourceClient<MemoryNotifier>(kubeConfig, MEMORY_NOTIFIERS, OPERATOR_FIELD_MANAGER);
  const nodes = new ResourceClient<NodeObject>(kubeConfig, NODES, OPERATOR_FIELD_MANAGER);
  const events = new EventRecorder(kubeConfig, instance);
  const record = async (kind: ResourceKind, metadata: ObjectMeta, event: ObjectEvent): Promise<void> => {
    try {
      await events.record(kind, metadata, event, Date.now());
    } catch (error) {
      log.warn('event not recorded', { kind: kind.kind, object: metadata.name, event: event.reason, error });
    }
  };
  return {
    readBlock: (name) => blocks.get(name),
    readNodeMemory: (name) => nodeMemories.get(name),
    readNode: (name) => nodes.get(name),
    isCrdTerminating: () => isCrdTerminating(kubeConfig),
    createBlock: (block) => blocks.create(block),
    writeBlockStatus: (block, status) => blocks.writeStatus(block, operatorFields(status)),
    writeFinalizers: (block, finalizers) => blocks.writeFinalizers(block, finalizers),
    writeNodeLocks: (node, locks) =>
      shownLocks.writeStatus({ metadata: { name: node } }, locks.length > 0 ? { locks } : {}),
    writeKubeletStatus: (nodeMemory, status) => kubelets.writeStatus(nodeMemory, status),
    writeNotifierStatus: (notifier, status) => notifiers.writeStatus(notifier, status),
    recordEvent: (block, event) => record(MEMORY_BLOCKS, block.metadata, event),
    recordNodeEvent: (nodeMemory, event) => record(NODE_MEMORIES, nodeMemory.metadata, event),
  };
}

async function isCrdTerminating(kubeConfig: KubeConfig): Promise<boolean> {
  try {
    const crd = await apiRequest(kubeConfig, { method: 'GET', path: CRD_PATH });
    return (crd as { metadata?: { deletionTimestamp?: string } }).metadata?.deletionTimestamp !== undefined;
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}
