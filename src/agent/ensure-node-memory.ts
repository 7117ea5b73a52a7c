/** Creates the NodeMemory of a node that the agent was told to serve. */
import type { KubeConfig } from '@kubernetes/client-node';
import type { NodeMemory, NodeMemorySpec, ObjectMeta } from '../contract/resources.ts';
import { isConflict, isNotFound } from '../k8s/api-error.ts';
import { apiRequest } from '../k8s/api-request.ts';
import { NODE_MEMORIES, NODES } from '../k8s/resource-kind.ts';

export interface NewNodeMemory {
  readonly name: string;
  readonly spec: NodeMemorySpec;
  /** The node is one of the cluster's: there is no NodeMemory of it without a Node to belong to. */
  readonly needsNode: boolean;
  /** The one that was there before. */
  readonly lost?: NodeMemory;
}

/**
 * Leaves one that exists as it is. A new one belongs to the Node of the same name, if there is one, and goes with it.
 *
 * Throws as long as the Node is about to go, or there is none where one is needed, or where the lost one belonged to one:
 * the NodeMemory of a node that has left the cluster must not come back, for the node would count as there.
 */
export async function ensureNodeMemory(kubeConfig: KubeConfig, wanted: NewNodeMemory): Promise<void> {
  const { name, spec } = wanted;
  const path = NODE_MEMORIES.path;
  if (await readIfThere(kubeConfig, `${path}/${name}`)) return;
  const node = await readIfThere(kubeConfig, `${NODES.path}/${name}`);
  const missing = whatIsMissing(wanted, node);
  if (missing !== undefined) throw new Error(missing);
  const owner = { apiVersion: NODES.apiVersion, kind: NODES.kind, name, uid: node?.metadata.uid };
  const metadata = node ? { name, ownerReferences: [owner] } : { name };
  const { apiVersion, kind } = NODE_MEMORIES;
  await apiRequest(kubeConfig, { method: 'POST', path, body: { apiVersion, kind, metadata, spec } }).catch(
    (error: unknown) => {
      if (!isConflict(error)) throw error;
    },
  );
}

function whatIsMissing(
  { name, needsNode, lost }: NewNodeMemory,
  node: { metadata: ObjectMeta } | undefined,
): string | undefined {
  const advice = 'waiting for it to be registered; stop this agent if the node does not come back';
  if (node?.metadata.deletionTimestamp !== undefined) return `Node ${name} is being deleted: ${advice}`;
  if (node) return undefined;
  if (lost?.metadata.ownerReferences?.length) return `Node ${name} is gone, and its NodeMemory with it: ${advice}`;
  if (!needsNode) return undefined;
  return `there is no Node ${name}: ${advice}, or add --without-node if this host is none of the cluster`;
}

async function readIfThere(kubeConfig: KubeConfig, path: string): Promise<{ metadata: ObjectMeta } | undefined> {
  try {
    return (await apiRequest(kubeConfig, { method: 'GET', path })) as { metadata: ObjectMeta };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
