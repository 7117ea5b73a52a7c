/** Records the run of a node's lock entity in NodeMemory.status.lockService, by compare-and-set. */
import type { KubeConfig } from '@kubernetes/client-node';
import { ApplicationFailure } from '@temporalio/common';
import { EPOCH_REFUSED, type ClaimLockServiceInput, type LockServiceActivities } from '../contract/activities.ts';
import { LOCK_SERVICE_FIELD_MANAGER } from '../contract/names.ts';
import type { NodeMemory } from '../contract/resources.ts';
import { apiRequest } from '../k8s/api-request.ts';
import { applyStatus } from '../k8s/apply-status.ts';
import { NODE_MEMORIES } from '../k8s/resource-kind.ts';
import { claimEpoch, whyRefused, type LockServiceRecord } from '../kernel/lock-epoch.ts';

type Claims = Pick<LockServiceActivities, 'claimLockService' | 'recordRecovered'>;

/** Both requests of a claim end before its attempt does: a claim that comes late would record a run of the past. */
const REQUEST_MS = 2_000;

/** A write that loses the race answers 409 and throws; the activity is then tried again and reads anew. */
export function createLockServiceClaims(kubeConfig: KubeConfig): Claims {
  return {
    async claimLockService(claim) {
      const nodeMemory = await readNodeMemory(kubeConfig, claim.node);
      const record = claimOrRefuse(nodeMemory.status?.lockService, claim, floorOf(nodeMemory));
      await writeLockService(kubeConfig, nodeMemory, record);
      return record;
    },

    async recordRecovered({ node, record: { epoch, runId } }) {
      const nodeMemory = await readNodeMemory(kubeConfig, node);
      const { lockService } = nodeMemory.status ?? {};
      // Another run has claimed the service meanwhile: what it has to recover is its own affair.
      if (lockService?.runId !== runId) return 'recorded';
      // `memhp restore` has noted meanwhile that nobody knows what was granted, or the record was put back to an older one.
      if (lockService.epoch !== epoch) return 'claim-again';
      await writeLockService(kubeConfig, nodeMemory, { epoch, runId });
      return 'recorded';
    },
  };
}

/** The record to write. Throws an EPOCH_REFUSED where there is no epoch for `claim`. */
export function claimOrRefuse(
  recorded: LockServiceRecord | undefined,
  claim: ClaimLockServiceInput,
  floor: number,
): LockServiceRecord {
  const refusal = whyRefused(recorded, claim, floor);
  if (refusal === undefined) return claimEpoch(recorded, claim, floor);
  const remedy = 'Its agent or its record is wrong: docs/restore.md, "An epoch that cannot be", says what to do';
  throw ApplicationFailure.create({
    message: `no lock of ${claim.node} is granted: ${refusal}. ${remedy}`,
    type: EPOCH_REFUSED,
    nonRetryable: claim.mayBeRefused === true,
  });
}

/** The highest epoch that the node has seen. Throws while nobody can tell: a lower epoch would be refused by the node. */
export function floorOf({ metadata, status }: NodeMemory): number {
  if (status?.lockService === undefined && status?.driver === undefined) {
    throw new Error(`the agent of ${metadata.name} has not reported yet which tokens it has seen; check that it runs`);
  }
  return status.fencingEpoch ?? 0;
}

export async function readNodeMemory(kubeConfig: KubeConfig, node: string): Promise<NodeMemory> {
  const path = `${NODE_MEMORIES.path}/${encodeURIComponent(node)}`;
  return (await apiRequest(kubeConfig, { method: 'GET', path, timeoutMs: REQUEST_MS })) as NodeMemory;
}

/** Throws on a conflict: the object is at another version than the one that was read. */
export async function writeLockService(
  kubeConfig: KubeConfig,
  { metadata }: NodeMemory,
  lockService: LockServiceRecord,
): Promise<void> {
  const { name, resourceVersion } = metadata;
  await applyStatus(kubeConfig, {
    kind: NODE_MEMORIES,
    name,
    status: { lockService },
    fieldManager: LOCK_SERVICE_FIELD_MANAGER,
    timeoutMs: REQUEST_MS,
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  });
}
