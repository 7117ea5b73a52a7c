/** Whether a workflow run is still open: a fact, by id, which needs no visibility. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';

/** `runId` unset: the latest run. False as well when the server does not know it. */
export async function isRunOpen(
  client: Client,
  { workflowId, runId }: { readonly workflowId: string; readonly runId?: string },
): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(workflowId, runId).describe();
    return isOpenStatus(status.name);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Somebody may unpause what is paused. */
export function isOpenStatus(name: string): boolean {
  return name === 'RUNNING' || name === 'PAUSED';
}
