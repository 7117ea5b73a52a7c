/** Ends every workflow of one cluster: after its server was put back to an earlier moment, they are of the past. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';

const CONCURRENT = 16;

/** Workflow ids of the runs that are open now, as far as visibility knows. */
export async function openWorkflows(client: Client, cluster: string): Promise<readonly string[]> {
  const query = `WorkflowId STARTS_WITH "${cluster}/" AND ExecutionStatus = "Running"`;
  const found: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query })) found.push(workflowId);
  return found;
}

/** Those that have closed meanwhile are left alone. */
export async function terminateAll(client: Client, workflowIds: readonly string[], reason: string): Promise<void> {
  for (let index = 0; index < workflowIds.length; index += CONCURRENT) {
    const now = workflowIds.slice(index, index + CONCURRENT);
    await Promise.all(now.map((workflowId) => terminate(client, workflowId, reason)));
  }
}

async function terminate(client: Client, workflowId: string, reason: string): Promise<void> {
  try {
    await client.workflow.getHandle(workflowId).terminate(reason);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
