/** Records the run of a node's lock entity in NodeMemory.status.lockService, by compare-and-set. */
import type { KubeConfig } from '@kubernetes/client-node';
import type { ClaimLockServiceInput, LockServiceActivities } from '../contract/activities.ts';
import { LOCK_SERVICE_FIELD_MANAGER } from '../contract/names.ts';
import type { NodeMemory } from '../contract/resources.ts';
import { claimEpoch } from '../kernel/lock-epoch.ts';
import { apiRequest } from '../k8s/api-request.ts';
import { applyStatus } from '../k8s/apply-status.ts';
import { NODE_MEMORIES } from '../k8s/resource-kind.ts';

/** A write that loses the race answers 409 and throws; the activity is then tried again and reads anew. */
export function createLockServiceActivities(kubeConfig: KubeConfig): LockServiceActivities {
  return {
    async claimLockService(claim: ClaimLockServiceInput) {
      const path = `${NODE_MEMORIES.path}/${encodeURIComponent(claim.node)}`;
      const { metadata, status } = (await apiRequest(kubeConfig, { method: 'GET', path })) as NodeMemory;
      const lockService = claimEpoch(status?.lockService, claim);
      await applyStatus(kubeConfig, {
        kind: NODE_MEMORIES,
        name: claim.node,
        status: { lockService },
        fieldManager: LOCK_SERVICE_FIELD_MANAGER,
        ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
      });
      return { epoch: lockService.epoch };
    },
  };
}
