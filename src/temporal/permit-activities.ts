/** How an offline asks for a permit, and gives it back: see entity-messages.ts. */
import type { Client } from '@temporalio/client';
import { locksTaskQueue, offlinePermitsWorkflowId } from '../contract/names.ts';
import {
  OFFLINE_PERMITS_WORKFLOW,
  PERMIT_MESSAGE_SIGNAL,
  REQUEST_PERMIT_UPDATE,
  type OfflinePermitsInput,
  type PermitActivities,
  type PermitMessageInput,
  type RequestPermitAnswer,
} from '../contract/offline-permits.ts';
import { EntityRequests, tellEntity, type Entity } from './entity-messages.ts';
import { WORKFLOW_TASK_TIMEOUT } from './start-operation.ts';

/** What a worker needs that runs offlines: among its activities, because workflows run them as local ones. */
export function createPermitActivities(client: Client): PermitActivities {
  const requests = new EntityRequests(client);
  const send = ({ cluster, message }: PermitMessageInput): Promise<void> =>
    tellEntity(client, permitEntity(cluster), message);
  return {
    async takePermit(input) {
      // Without an id for the update: a request that is repeated must be answered anew.
      const answer = await requests.ask<RequestPermitAnswer>(permitEntity(input.cluster), input.message, undefined);
      if (answer) return answer;
      await send(input);
      return { kind: 'pending' };
    },
    releasePermit: send,
  };
}

function permitEntity(cluster: string): Entity {
  const args: [OfflinePermitsInput] = [{ cluster }];
  return {
    type: OFFLINE_PERMITS_WORKFLOW,
    start: {
      workflowId: offlinePermitsWorkflowId(cluster),
      taskQueue: locksTaskQueue(cluster),
      args,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      staticSummary: 'offlines under way in the fleet',
      staticDetails: 'How many may be under way at a time is option --max-concurrent-offlines of memhp operator.',
    },
    signal: PERMIT_MESSAGE_SIGNAL,
    update: REQUEST_PERMIT_UPDATE,
  };
}
