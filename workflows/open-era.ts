/** How a lock entity begins to grant: with an epoch of its own, and knowing what was granted before. */
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import {
  EPOCH_REFUSED,
  type ClaimLockServiceInput,
  type ClaimLockServiceResult,
  type LockServiceActivities,
} from '../src/contract/activities.ts';
import type { NodeLocksInput } from '../src/contract/node-locks.ts';
import type { LockTable } from '../src/kernel/lock-queue.ts';
import { tokenOf } from '../src/kernel/token.ts';
import type { LockEntity } from './lock-entity.ts';
import type { LockLiveness } from './lock-liveness.ts';

// No epoch, no grants: each is tried until it succeeds. All wait meanwhile, so an operator that dies over it must be
// noticed soon.
const RETRY = { initialInterval: '200 milliseconds', maximumInterval: '10 seconds' } as const;
const { claimLockService, recordRecovered } = proxyActivities<LockServiceActivities>({
  startToCloseTimeout: '5 seconds',
  retry: RETRY,
});
const { recoverLockTable } = proxyActivities<LockServiceActivities>({
  // Several histories of thousands of events.
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: '5 seconds',
  retry: RETRY,
});

/**
 * Finds out what was granted before, then opens the table; does not open it if the run is reset meanwhile. False: the record of
 * what is to be found out has changed meanwhile, and it must be done again.
 */
export async function openEra(
  entity: LockEntity,
  liveness: LockLiveness,
  { cluster, node }: NodeLocksInput,
  carried: NodeLocksInput['carried'],
): Promise<boolean> {
  const { era, isDisproved } = entity;
  const { runId } = workflowInfo();
  const continued = carried ? { previousRunId: carried.runId, epoch: carried.table.epoch } : {};
  const { epoch, recovers, isPredecessorLost } = await claim(entity, {
    ...{ cluster, node, runId, ...continued },
    ...(isDisproved ? { isDisproved, epoch: entity.table.epoch } : {}),
  });
  let table: LockTable | undefined;
  if (isReset(entity, era)) return true;
  // Its own table is better than any history: both were put back, and the table was there before.
  if (isDisproved) await liveness.settleAll(tokenOf(epoch, 0));
  else if (recovers.length > 0 || isPredecessorLost) {
    // The run that this one continues may be one of which the record knows nothing: what it handed on counts all the same.
    const runs = carried ? [...recovers, carried.runId] : recovers;
    const recovered = await recoverLockTable.executeWithOptions({ summary: 'find out what was granted before' }, [
      { cluster, node, runId, recovers: runs },
    ]);
    if (isReset(entity, era)) return true;
    if (isPredecessorLost || !recovered.isComplete) await liveness.settleAll(tokenOf(epoch, 0));
    ({ table } = recovered);
  }
  if (isReset(entity, era)) return true;
  if (isDisproved || table) {
    const record = { epoch, runId };
    const recorded = await recordRecovered.executeWithOptions({ summary: 'recovery is complete' }, [{ node, record }]);
    if (isReset(entity, era)) return true;
    // Not a comparison with what is good: an activity of an earlier version answers nothing.
    if (recorded === 'claim-again') return false;
  }
  if (table) entity.restore(table);
  entity.open(epoch);
  return true;
}

/** Returns when there is an epoch. Where it is refused that can be seen, until somebody has mended the cause. */
async function claim(entity: LockEntity, input: ClaimLockServiceInput): Promise<Required<ClaimLockServiceResult>> {
  const ask = (more: Pick<ClaimLockServiceInput, 'mayBeRefused'>): Promise<ClaimLockServiceResult> =>
    claimLockService.executeWithOptions({ summary: 'claim the epoch of the lock service' }, [{ ...input, ...more }]);
  const claimed = await ask({ mayBeRefused: true }).catch((error: unknown) => {
    const refusal = error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause;
    if (!refusal || refusal.type !== EPOCH_REFUSED) throw error;
    entity.noteRefused(refusal.message);
    // Tried again by the server: a loop here would fill the history.
    return ask({});
  });
  entity.noteRefused(undefined);
  return { recovers: [], isPredecessorLost: false, ...claimed };
}

/** Whether what was begun in `era` counts no more. */
export function isReset(entity: LockEntity, era: number): boolean {
  entity.noticeReset();
  return entity.era !== era;
}
