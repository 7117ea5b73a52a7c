/** Who holds a permit, as told by the offlines themselves: for a permit entity that knows nothing. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  Client,
  QueryNotRegisteredError,
  QueryRejectedError,
  WorkflowNotFoundError,
  type WorkflowExecutionInfo,
} from '@temporalio/client';
import { offlinePermitsWorkflowId, operationsTaskQueue } from '../contract/names.ts';
import { OFFLINE_PERMIT_QUERY, type OfflinePermitState } from '../contract/offline-permits.ts';
import { OPERATION_WORKFLOW } from '../contract/operations.ts';
import { PERMIT_ENTRIES_MAX, type FoundPermit } from '../kernel/permit-table.ts';
import { isNoAnswer } from './no-answer.ts';

/** As many as are asked at once when it is found out which holders are alive. */
const CONCURRENT = 32;
/** A worker that has to read the offline's history first takes a second. */
const QUERY_MS = 5_000;
const VISIBLE_EVERY_MS = 200;

/**
 * Asks every offline of `cluster` that runs. Visibility tells which those are, and lags; so it is read when it shows the
 * entity's own run (`runId`), which began after every offline that its predecessor can have granted anything to. One that
 * does not answer is told as held, without a limit.
 */
export async function findPermits(
  client: Client,
  { cluster, runId }: { readonly cluster: string; readonly runId: string },
): Promise<readonly FoundPermit[]> {
  await untilVisible(client, `WorkflowId = "${offlinePermitsWorkflowId(cluster)}" AND RunId = "${runId}"`);
  const running = [
    `WorkflowType = "${OPERATION_WORKFLOW.offline}"`,
    'ExecutionStatus = "Running"',
    `TaskQueue = "${operationsTaskQueue(cluster)}"`,
  ];
  const offlines: WorkflowExecutionInfo[] = [];
  for await (const offline of client.workflow.list({ query: running.join(' AND ') })) offlines.push(offline);
  // A closed one would still answer, from its history; its answer would be about the past.
  const { connection, options } = client;
  const asking = new Client({
    connection,
    namespace: options.namespace,
    workflow: { queryRejectCondition: 'NOT_OPEN' },
  });
  const found: FoundPermit[] = [];
  for (let index = 0; index < offlines.length; index += CONCURRENT) {
    const asked = offlines.slice(index, index + CONCURRENT);
    found.push(...(await Promise.all(asked.map((offline) => askOffline(asking, offline)))).flat());
  }
  // More would not fit into an answer, nor into the entity's table. Those that hold come first.
  return found.sort(inOrderOfImportance).slice(0, PERMIT_ENTRIES_MAX);
}

function inOrderOfImportance(one: FoundPermit, other: FoundPermit): number {
  return Number(other.isHeld) - Number(one.isHeld) || one.sinceMs - other.sinceMs;
}

async function untilVisible(client: Client, query: string): Promise<void> {
  while ((await client.workflow.count(query)).count === 0) await delay(VISIBLE_EVERY_MS);
}

async function askOffline(client: Client, offline: WorkflowExecutionInfo): Promise<readonly FoundPermit[]> {
  const { workflowId, runId, startTime } = offline;
  const holder = { workflowId, runId };
  try {
    const answer = await client.withDeadline(Date.now() + QUERY_MS, () =>
      client.workflow.getHandle(workflowId, runId).query<OfflinePermitState>(OFFLINE_PERMIT_QUERY),
    );
    if (answer.state === 'none') return [];
    const { state, purpose, sinceMs, limit } = answer;
    return [{ holder, purpose, sinceMs, isHeld: state === 'held', limit }];
  } catch (error) {
    // It has closed meanwhile.
    if (error instanceof QueryRejectedError || error instanceof WorkflowNotFoundError) return [];
    // A worker that fails to carry it on answers every query so.
    if (!(error instanceof QueryNotRegisteredError) && !isNoAnswer(error)) throw error;
    return [{ holder, purpose: workflowId, sinceMs: startTime.getTime(), isHeld: true }];
  }
}
