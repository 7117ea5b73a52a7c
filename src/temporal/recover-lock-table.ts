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
 * it could be recorded granted nothing, but may have been asked. They count in the order in which they began: a run that
 * carried a table on knows more than those before it.
 */
export async function recoverLockTable(client: Client, input: RecoverLockTableInput): Promise<RecoverLockTableResult> {
  const workflowId = nodeLocksWorkflowId(input.cluster, input.node);
  const pending = [...input.recovers, ...(await unrecorded(client, workflowId, input))];
  const seen = new Set([input.runId]);
  const runs: LockRun[] = [];
  let isComplete = true;
  for (let runId = pending.shift(); runId !== undefined; runId = pending.shift()) {
    if (seen.has(runId)) continue;
    seen.add(runId);
    const run = await readRun(client, workflowId, runId);
    if (!run) isComplete = false;
    else runs.push(run);
    if (run?.continuedAs !== undefined) pending.push(run.continuedAs);
  }
  runs.sort((a, b) => a.begunMs - b.begunMs);
  const table = runs.reduce<LockTable>(
    (known, run) => rebuildLockTable(run.base ?? known, run.events),
    EMPTY_LOCK_TABLE,
  );
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

/**
 * Runs of this lock entity that began after the recorded ones; where nothing was recorded, the last ones. Visibility is
 * enough, as it is all there is.
 */
async function unrecorded(
  client: Client,
  workflowId: string,
  { runId, recovers }: RecoverLockTableInput,
): Promise<readonly string[]> {
  const found: string[] = [];
  // The latest first.
  for await (const run of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    if (recovers.includes(run.runId) || found.length === UNRECORDED_MAX) break;
    if (run.runId !== runId) found.push(run.runId);
  }
  return found;
}
