/** Whether a namespace is the one in which a cluster's lock workflows run, going by what Kubernetes says of them. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';

export interface NamedWorkflow {
  readonly workflowId: string;
  /** Unset: any run. */
  readonly runId?: string;
}

/** Stops at the first that the server knows: one is enough. */
export async function isAnyKnown(client: Client, workflows: readonly NamedWorkflow[]): Promise<boolean> {
  for (const { workflowId, runId } of workflows) {
    try {
      await client.workflow.getHandle(workflowId, runId).describe();
      return true;
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
  return false;
}
