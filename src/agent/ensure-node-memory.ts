/** Creates the NodeMemory of a node that the agent was told to serve. */
import type { KubeConfig } from '@kubernetes/client-node';
import type { NodeMemory, ObjectMeta, SimulatedSpec } from '../contract/resources.ts';
import { isConflict, isNotFound } from '../k8s/api-error.ts';
import { apiRequest } from '../k8s/api-request.ts';
import { NODE_MEMORIES, NODES } from '../k8s/resource-kind.ts';

/** 1 GiB as a small PC boots with it: block 0 has two zones in it, and everything from block 8 on is free to be added. */
export const DEFAULT_SIMULATED: SimulatedSpec = {
  blockSize: '128Mi',
  blocks: [
    { range: '0', state: 'online', zone: 'none' },
    { range: '1-7', state: 'online', zone: 'DMA32' },
  ],
};

/**
 * Leaves one that exists as it is. A new one belongs to the Node of the same name, if there is one, and goes with it.
 *
 * `lost` is the one that was there before: the new one simulates the same hardware. Where that belonged to a Node, throws
 * as long as there is none: the NodeMemory of a node that has left the cluster must not come back.
 */
export async function ensureNodeMemory(kubeConfig: KubeConfig, name: string, lost?: NodeMemory): Promise<void> {
  const path = NODE_MEMORIES.path;
  if (await readIfThere(kubeConfig, `${path}/${name}`)) return;
  const node = await readIfThere(kubeConfig, `${NODES.path}/${name}`);
  if (!node && (lost?.metadata.ownerReferences?.length ?? 0) > 0) {
    throw new Error(`Node ${name} is gone, and its NodeMemory with it; stop this agent if the node does not come back`);
  }
  const owner = { apiVersion: NODES.apiVersion, kind: NODES.kind, name, uid: node?.metadata.uid };
  const metadata = node ? { name, ownerReferences: [owner] } : { name };
  const { apiVersion, kind } = NODE_MEMORIES;
  const body = { apiVersion, kind, metadata, spec: { simulated: lost?.spec.simulated ?? DEFAULT_SIMULATED } };
  await apiRequest(kubeConfig, { method: 'POST', path, body }).catch((error: unknown) => {
    if (!isConflict(error)) throw error;
  });
}

async function readIfThere(kubeConfig: KubeConfig, path: string): Promise<{ metadata: ObjectMeta } | undefined> {
  try {
    return (await apiRequest(kubeConfig, { method: 'GET', path })) as { metadata: ObjectMeta };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
