/** Ends every workflow of one cluster: after its server was put back to an earlier moment, they are of the past. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { MemoryBlock, NodeMemory } from '../contract/resources.ts';
import { nodeLocksWorkflowId, offlinePermitsWorkflowId, operationWorkflowId } from '../contract/names.ts';
import { isRunOpen } from './is-run-open.ts';

const CONCURRENT = 16;

/** Workflow ids that the objects of a cluster have, whether or not such a workflow was ever started. */
export function workflowIdsOf(
  cluster: string,
  { nodes, blocks }: { readonly nodes: readonly NodeMemory[]; readonly blocks: readonly MemoryBlock[] },
): readonly string[] {
  return [
    offlinePermitsWorkflowId(cluster),
    ...nodes.map(({ metadata }) => nodeLocksWorkflowId(cluster, metadata.name)),
    ...blocks.map(({ spec }) => operationWorkflowId(cluster, spec.nodeName, spec.blockId)),
  ];
}

/**
 * Workflow ids that are open now: of `named`, and of all that visibility shows. Visibility alone would not do: its store
 * may be another one than the server's, and come from another backup.
 */
export async function openWorkflows(client: Client, cluster: string, named: readonly string[]): Promise<string[]> {
  const query = `WorkflowId STARTS_WITH "${cluster}/" AND CloseTime IS NULL`;
  const ids = new Set(named);
  for await (const { workflowId } of client.workflow.list({ query })) ids.add(workflowId);
  const open: string[] = [];
  await inParallel([...ids], async (workflowId) => {
    if (await isRunOpen(client, { workflowId })) open.push(workflowId);
  });
  return open.sort();
}

/** Those that have closed meanwhile are left alone. */
export async function terminateAll(client: Client, workflowIds: readonly string[], reason: string): Promise<void> {
  await inParallel(workflowIds, async (workflowId) => {
    try {
      await client.workflow.getHandle(workflowId).terminate(reason);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  });
}

async function inParallel<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  for (let index = 0; index < all.length; index += CONCURRENT) {
    await Promise.all(all.slice(index, index + CONCURRENT).map(act));
  }
}
