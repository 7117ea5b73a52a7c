/** Notes in NodeMemory.status.lockService that nobody knows any more what the lock service of a node has granted. */
import type { KubeConfig } from '@kubernetes/client-node';
import { isConflict } from '../k8s/api-error.ts';
import { disownedRecord } from '../kernel/lock-epoch.ts';
import { floorOf, readNodeMemory, writeLockService } from './claim-lock-service.ts';

const ATTEMPTS_MAX = 10;

/** A node whose lock service has never granted anything stays as it is. */
export async function disownLockService(kubeConfig: KubeConfig, node: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const nodeMemory = await readNodeMemory(kubeConfig, node);
    const recorded = nodeMemory.status?.lockService;
    // Where nothing is recorded, a lock workflow that is started anew settles whatever the node has seen.
    if (!recorded) return;
    try {
      await writeLockService(kubeConfig, nodeMemory, disownedRecord(recorded, floorOf(nodeMemory)));
      return;
    } catch (error) {
      if (!isConflict(error) || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}
