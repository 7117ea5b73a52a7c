import type { KubeConfig, V1Node, V1PodList } from '@kubernetes/client-node';
import { parseBlockRanges } from '../contract/block-ranges.ts';
import { parseBytes } from '../contract/quantity.ts';
import type { NodeMemory } from '../contract/resources.ts';
import type { ClusterNode, ClusterReader } from '../plugins/cluster-reader.ts';
import { isNotFound } from './api-error.ts';
import { apiRequest } from './api-request.ts';
import { clusterPodOf } from './cluster-pod.ts';
import { NODE_MEMORIES, NODES, PODS, type ResourceKind } from './resource-kind.ts';

/** Several times what a kubelet runs (110 by default); a node with more is answered in pages. */
const PODS_PER_PAGE = 500;
/** 2000 pods: no kubelet runs so many, so more pages mean a list that does not end. */
const PAGES_MAX = 4;

/** Reads the API server at every call: a veto must not rest on a cache that lags behind. */
export function createClusterReader(kubeConfig: KubeConfig): ClusterReader {
  return {
    async node(name) {
      const node = await get<V1Node>(kubeConfig, NODES, name);
      return node && clusterNodeOf(name, node);
    },
    async podsOnNode(name) {
      const pods = await listPods(kubeConfig, name);
      return pods.map(clusterPodOf);
    },
    async nodeMemoryOnlineBytes(name) {
      const nodeMemory = await get<NodeMemory>(kubeConfig, NODE_MEMORIES, name);
      return nodeMemory && onlineBytesOf(nodeMemory);
    },
  };
}

async function get<Kind>(kubeConfig: KubeConfig, kind: ResourceKind, name: string): Promise<Kind | undefined> {
  try {
    return (await apiRequest(kubeConfig, { method: 'GET', path: `${kind.path}/${encodeURIComponent(name)}` })) as Kind;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function listPods(kubeConfig: KubeConfig, node: string): Promise<V1PodList['items']> {
  const fieldSelector = `spec.nodeName=${node},status.phase!=Succeeded,status.phase!=Failed`;
  const pods: V1PodList['items'] = [];
  let next: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const query = { fieldSelector, limit: String(PODS_PER_PAGE), continue: next };
    const list = (await apiRequest(kubeConfig, { method: 'GET', path: PODS.path, query })) as V1PodList;
    pods.push(...list.items);
    next = (list.metadata as { readonly continue?: string } | undefined)?.continue; // plain JSON: not `_continue`
    if (!next) return pods;
  }
  throw new Error(`${node} has more than ${String(PODS_PER_PAGE * PAGES_MAX)} pods; count on no answer about it`);
}

function clusterNodeOf(name: string, { status }: V1Node): ClusterNode | undefined {
  const capacity = status?.capacity?.['memory'];
  if (capacity === undefined) return undefined; // the kubelet has not reported yet
  return {
    name,
    capacityBytes: parseBytes(capacity),
    allocatableBytes: parseBytes(status?.allocatable?.['memory'] ?? capacity),
  };
}

/** From the blocks where the agent lists them: a block that is going offline is still there, `status.online` is not sure. */
function onlineBytesOf({ status }: NodeMemory): number | undefined {
  if (status?.blocks && status.blockSize !== undefined) {
    const ids = status.blocks
      .filter(({ state }) => state === 'online' || state === 'going-offline')
      .flatMap(({ range }) => parseBlockRanges(range));
    return ids.length * parseBytes(status.blockSize);
  }
  return status?.online === undefined ? undefined : parseBytes(status.online);
}
