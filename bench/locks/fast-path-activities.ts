/** The messages of the fast-path experiment: an update-with-start first, and on any doubt the signal that is safe. */
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import type { LockMessageInput } from '../../src/contract/activities.ts';
import { LOCK_MESSAGE_SIGNAL, type LockGranted, type LockMessage } from '../../src/contract/locks.ts';
import { locksTaskQueue } from '../../src/contract/names.ts';
import type { fastPathNodeLocks } from './workflows/fast-path.ts';
import { LOCK_REQUEST_UPDATE, type FastPathActivities, type FastPathNodeLocksInput } from './workflows/messages.ts';
import { lockWorkflowId } from './workflows/taking.ts';

const FAST_PATH_NODE_LOCKS = 'fastPathNodeLocks';
/** An answer takes one workflow task; half a minute would only say that no lock worker is there. */
const ANSWER_TIMEOUT_MS = 2_000;

/** How often each way was gone, for the report. */
export interface FastPathCounts {
  answered: number;
  queued: number;
  busy: number;
  failed: number;
}

export interface CountedFastPath {
  readonly activities: FastPathActivities;
  readonly counts: FastPathCounts;
}

export function createFastPathActivities(client: Client): CountedFastPath {
  const counts: FastPathCounts = { answered: 0, queued: 0, busy: 0, failed: 0 };
  /**
   * One update in flight per node and process: beside another there is contention, which the signal handles better, and
   * ten operators stay within the server's limit.
   */
  const inFlight = new Set<string>();

  const takeLocksFast = async (input: LockMessageInput): Promise<LockGranted | undefined> => {
    const entity = lockWorkflowId(input, 'fastpath', 'all');
    if (inFlight.has(entity)) {
      counts.busy += 1;
      await signal(client, entity, input);
      return undefined;
    }
    inFlight.add(entity);
    try {
      const granted = await update(client, entity, input);
      counts[granted ? 'answered' : 'queued'] += 1;
      return granted;
    } catch {
      // Whether it arrived is not known. The entity knows requests by id: asking again does no harm.
      counts.failed += 1;
      await signal(client, entity, input);
      return undefined;
    } finally {
      inFlight.delete(entity);
    }
  };
  const releaseLocksFast = (input: LockMessageInput): Promise<void> =>
    signal(client, lockWorkflowId(input, 'fastpath', 'all'), input);
  return { activities: { takeLocksFast, releaseLocksFast }, counts };
}

async function update(
  client: Client,
  workflowId: string,
  { cluster, node, message }: LockMessageInput,
): Promise<LockGranted | undefined> {
  const startWorkflowOperation = new WithStartWorkflowOperation<typeof fastPathNodeLocks>(FAST_PATH_NODE_LOCKS, {
    workflowId,
    taskQueue: locksTaskQueue(cluster),
    args: [{ node }],
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  return client.withDeadline(Date.now() + ANSWER_TIMEOUT_MS, () =>
    client.workflow.executeUpdateWithStart<typeof fastPathNodeLocks, LockGranted | undefined, [LockMessage]>(
      LOCK_REQUEST_UPDATE,
      { args: [message], startWorkflowOperation, ...(message.request ? { updateId: message.request.id } : {}) },
    ),
  );
}

async function signal(client: Client, workflowId: string, { cluster, node, message }: LockMessageInput): Promise<void> {
  await client.workflow.signalWithStart<(input: FastPathNodeLocksInput) => Promise<void>, [LockMessage]>(
    FAST_PATH_NODE_LOCKS,
    {
      workflowId,
      taskQueue: locksTaskQueue(cluster),
      args: [{ node }],
      signal: LOCK_MESSAGE_SIGNAL,
      signalArgs: [message],
    },
  );
}
