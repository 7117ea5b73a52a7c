/** Writes what the agent owns of a status into the cluster. */
import type { KubeConfig } from '@kubernetes/client-node';
import { AGENT_FIELD_MANAGER } from '../contract/names.ts';
import { applyStatus } from '../k8s/apply-status.ts';
import { isNotFound } from '../k8s/api-error.ts';
import { MEMORY_BLOCKS, NODE_MEMORIES, type ResourceKind } from '../k8s/resource-kind.ts';
import type { StatusWriter } from './status-publisher.ts';

/** A write that got no answer by then is repeated; the step that waits for it has a limit of its own. */
const TIMEOUT_MS = 5_000;

export function createStatusWriter(kubeConfig: KubeConfig): StatusWriter {
  const write = async (kind: ResourceKind, name: string, status: object): Promise<void> => {
    const application = { kind, name, status, fieldManager: AGENT_FIELD_MANAGER, timeoutMs: TIMEOUT_MS };
    try {
      await applyStatus(kubeConfig, application);
    } catch (error) {
      // Deleted meanwhile: there is nobody left to tell.
      if (!isNotFound(error)) throw error;
    }
  };
  return {
    writeNode: (name, status) => write(NODE_MEMORIES, name, status),
    writeBlock: (name, status) => write(MEMORY_BLOCKS, name, status),
  };
}
