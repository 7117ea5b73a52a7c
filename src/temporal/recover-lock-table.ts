/** What earlier runs of a lock entity granted: read from their histories, which are strongly consistent by run id. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { RecoverLockTableInput, RecoverLockTableResult } from '../contract/activities.ts';
import { nodeLocksWorkflowId } from '../contract/names.ts';
import type { LockTable } from '../kernel/lock-queue.ts';
import { EMPTY_LOCK_TABLE } from '../kernel/lock-table.ts';
import { rebuildLockTable } from '../kernel/rebuild-lock-table.ts';
import { readLockRun, type LockRun } from './lock-history.ts';

/** More in a row can only be lost by somebody who terminates each as soon as it starts. */
const UNRECORDED_MAX = 8;

/**
 * Reads the runs named, those that continue them, and any other run of the same lock entity since: one that was lost before
 * it could be recorded granted nothing, but may have been asked.
 */
export async function recoverLockTable(client: Client, input: RecoverLockTableInput): Promise<RecoverLockTableResult> {
  const workflowId = nodeLocksWorkflowId(input.cluster, input.node);
  const pending = [...input.recovers];
  const seen = new Set([input.runId]);
  let table: LockTable = EMPTY_LOCK_TABLE;
  let isComplete = true;
  for (const runId of await unrecorded(client, workflowId, input)) pending.push(runId);
  for (let runId = pending.shift(); runId !== undefined; runId = pending.shift()) {
    if (seen.has(runId)) continue;
    seen.add(runId);
    const run = await readRun(client, workflowId, runId);
    if (!run) {
      isComplete = false;
      continue;
    }
    table = rebuildLockTable(run.base ?? table, run.events);
    if (run.continuedAs !== undefined) pending.unshift(run.continuedAs);
  }
  return { table, isComplete };
}

/** Undefined when the history is gone. */
async function readRun(client: Client, workflowId: string, runId: string): Promise<LockRun | undefined> {
  try {
    const run = client.workflow.getHandle(workflowId, runId);
    // Its errors have a type; those of fetchHistory are the transport's.
    await run.describe();
    return readLockRun(await run.fetchHistory(), client.options.loadedDataConverter.payloadConverter);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** Closed runs of this lock entity that began after the recorded ones, oldest first; visibility is enough, as it is all there is. */
async function unrecorded(
  client: Client,
  workflowId: string,
  { runId, recovers }: RecoverLockTableInput,
): Promise<readonly string[]> {
  const runs: { runId: string; startTime: Date }[] = [];
  for await (const run of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) runs.push(run);
  runs.sort((a, b) => a.startTime.getTime() - b.startTime.getTime());
  const lastKnown = runs.findLastIndex((run) => recovers.includes(run.runId));
  // Where nothing was recorded these are all runs ever; each that granted anything begins with what the one before knew.
  const later = runs.slice(lastKnown + 1).slice(-UNRECORDED_MAX);
  return later.flatMap((run) => (run.runId === runId ? [] : [run.runId]));
}
