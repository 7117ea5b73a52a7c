/** Which workflow runs have ended: a fact, because they live on the same server as the locks. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { LockHolder } from '../kernel/lock.ts';

/** How many are asked about at once: 256, as many as a lock entity has requests, take eight rounds, 1.2 s at 150 ms each. */
const CONCURRENT = 32;

/** Run ids of those that are closed, or that the server does not know any more. */
export async function closedRuns(client: Client, runs: readonly LockHolder[]): Promise<readonly string[]> {
  const closed: string[] = [];
  for (let index = 0; index < runs.length; index += CONCURRENT) {
    const asked = runs.slice(index, index + CONCURRENT);
    const answers = await Promise.all(asked.map(async (run) => ({ run, isClosed: await isClosed(client, run) })));
    closed.push(...answers.flatMap(({ run, isClosed: over }) => (over ? [run.runId] : [])));
  }
  return closed;
}

async function isClosed(client: Client, { workflowId, runId }: LockHolder): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(workflowId, runId).describe();
    return status.name !== 'RUNNING' && status.name !== 'PAUSED';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return true;
    throw error;
  }
}
