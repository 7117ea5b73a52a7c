/** The activities of the permit entity: facts about offlines. */
import type { Client } from '@temporalio/client';
import type { PermitServiceActivities } from '../contract/offline-permits.ts';
import { closedRuns } from '../temporal/closed-runs.ts';
import { findPermits } from '../temporal/find-permits.ts';
import { whileHeartbeating } from './while-heartbeating.ts';

export function createPermitServiceActivities(client: Client): PermitServiceActivities {
  return {
    findPermits: (input) => whileHeartbeating(() => findPermits(client, input)),
    findClosedHolders: ({ holders }) => closedRuns(client, holders),
  };
}
