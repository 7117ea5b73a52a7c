/** Creates the NodeMemory of a node that the agent was told to serve. */
import type { KubeConfig } from '@kubernetes/client-node';
import type { NodeMemory, NodeMemorySpec, ObjectMeta } from '../contract/resources.ts';
import { isConflict, isNotFound } from '../k8s/api-error.ts';
import { apiRequest } from '../k8s/api-request.ts';
import { NODE_MEMORIES, NODES } from '../k8s/resource-kind.ts';

export interface NewNodeMemory {
  readonly name: string;
  readonly spec: NodeMemorySpec;
  /** The one that was there before. */
  readonly lost?: NodeMemory;
}

/**
 * Leaves one that exists as it is. A new one belongs to the Node of the same name, if there is one, and goes with it.
 *
 * Where the lost one belonged to a Node, throws as long as there is none: the NodeMemory of a node that has left the
 * cluster must not come back.
 */
export async function ensureNodeMemory(kubeConfig: KubeConfig, { name, spec, lost }: NewNodeMemory): Promise<void> {
  const path = NODE_MEMORIES.path;
  if (await readIfThere(kubeConfig, `${path}/${name}`)) return;
  const node = await readIfThere(kubeConfig, `${NODES.path}/${name}`);
  if (!node && (lost?.metadata.ownerReferences?.length ?? 0) > 0) {
    throw new Error(`Node ${name} is gone, and its NodeMemory with it; stop this agent if the node does not come back`);
  }
  const owner = { apiVersion: NODES.apiVersion, kind: NODES.kind, name, uid: node?.metadata.uid };
  const metadata = node ? { name, ownerReferences: [owner] } : { name };
  const { apiVersion, kind } = NODE_MEMORIES;
  await apiRequest(kubeConfig, { method: 'POST', path, body: { apiVersion, kind, metadata, spec } }).catch(
    (error: unknown) => {
      if (!isConflict(error)) throw error;
    },
  );
}

async function readIfThere(kubeConfig: KubeConfig, path: string): Promise<{ metadata: ObjectMeta } | undefined> {
  try {
    return (await apiRequest(kubeConfig, { method: 'GET', path })) as { metadata: ObjectMeta };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
