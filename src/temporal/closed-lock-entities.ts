/** Lock entities that were ended from outside: they never end by themselves, and continue as new. */
import type { Client } from '@temporalio/client';
import { nodeLocksWorkflowId } from '../contract/names.ts';
import { NODE_LOCKS_WORKFLOW } from '../contract/node-locks.ts';

export interface ClosedLockEntity {
  readonly node: string;
  readonly runId: string;
}

/** A visibility store that does not answer is asked again at the next look. */
const CALL_MS = 5_000;

/** Those that closed after `sinceMs`, or all that the server remembers. Visibility may lag by seconds. */
export async function closedLockEntities(
  client: Client,
  cluster: string,
  sinceMs: number | undefined,
): Promise<readonly ClosedLockEntity[]> {
  const prefix = nodeLocksWorkflowId(cluster, '');
  const terms = [
    `WorkflowType = "${NODE_LOCKS_WORKFLOW}"`,
    'ExecutionStatus IN ("Terminated", "Failed", "TimedOut", "Canceled", "Completed")',
    `WorkflowId STARTS_WITH "${prefix}"`,
    ...(sinceMs === undefined ? [] : [`CloseTime > "${new Date(sinceMs).toISOString()}"`]),
  ];
  return client.withDeadline(Date.now() + CALL_MS, async () => {
    const closed: ClosedLockEntity[] = [];
    for await (const { workflowId, runId } of client.workflow.list({ query: terms.join(' AND ') })) {
      closed.push({ node: workflowId.slice(prefix.length), runId });
    }
    return closed;
  });
}
