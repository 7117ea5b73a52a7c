import type { Client } from '@temporalio/client';
import type { LockServiceActivities } from '../../src/contract/activities.ts';
import { closedRuns } from '../../src/temporal/closed-runs.ts';

/**
 * What a lock entity asks for when all goes well. No NodeMemory stands behind it here, so the epoch is always the first;
 * whether the runs that somebody waits for are closed is asked of the server, as in production.
 */
export function lockServiceStandIn(
  client: Client,
): Pick<LockServiceActivities, 'claimLockService' | 'describeHolders'> {
  return {
    claimLockService: ({ epoch }) => Promise.resolve({ epoch: epoch ?? 1 }),
    describeHolders: async ({ holders }) => ({ closed: await closedRuns(client, holders) }),
  };
}
