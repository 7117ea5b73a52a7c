/** Histories of one cluster's workflows, for a replay: those that are open, and the last ones of each type that have closed. */
import { WorkflowNotFoundError, type Client, type WorkflowExecutionInfo } from '@temporalio/client';
import { WORKFLOW_TYPES } from '../contract/workflow-types.ts';
import type { History } from './history-index.ts';

export interface HistoryQuery {
  readonly cluster: string;
  /** Closed runs per type, the latest first. */
  readonly limit: number;
  /** Closed runs no older than this; ms since the epoch. */
  readonly sinceMs?: number;
  /** Instead of all that: Temporal's query language. */
  readonly query?: string;
}

export interface FoundHistory {
  readonly workflowId: string;
  readonly runId: string;
  readonly type: string;
  readonly isOpen: boolean;
  readonly history: History;
}

type Run = Pick<FoundHistory, 'workflowId' | 'runId' | 'type' | 'isOpen'>;

/** More open workflows than this are checked by the first so many of each type: what one replays, its like replays too. */
const OPEN_PER_TYPE_MAX = 1_000;

/** The open ones first: they are what an upgrade would break. */
export async function findRuns(client: Client, wanted: HistoryQuery): Promise<readonly Run[]> {
  if (wanted.query !== undefined) return listRuns(client, wanted.query, Infinity);
  const runs: Run[] = [];
  const ours = `WorkflowId STARTS_WITH "${wanted.cluster}/"`;
  const since = wanted.sinceMs === undefined ? '' : ` AND CloseTime > "${new Date(wanted.sinceMs).toISOString()}"`;
  for (const [status, limit] of [
    ['ExecutionStatus = "Running"', OPEN_PER_TYPE_MAX],
    [`ExecutionStatus != "Running"${since}`, wanted.limit],
  ] as const) {
    for (const type of WORKFLOW_TYPES) {
      runs.push(...(await listRuns(client, `${ours} AND WorkflowType = "${type}" AND ${status}`, limit)));
    }
  }
  return runs;
}

/** One after the other, as they are asked for; runs that are gone meanwhile are left out. */
export async function* readHistories(client: Client, runs: readonly Run[]): AsyncGenerator<FoundHistory> {
  for (const run of runs) {
    const handle = client.workflow.getHandle(run.workflowId, run.runId);
    try {
      yield { ...run, history: await handle.fetchHistory() };
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
}

async function listRuns(client: Client, query: string, limit: number): Promise<readonly Run[]> {
  const runs: Run[] = [];
  if (limit === 0) return runs;
  for await (const found of client.workflow.list({ query })) {
    runs.push(runOf(found));
    if (runs.length === limit) break;
  }
  return runs;
}

function runOf({ workflowId, runId, type, status }: WorkflowExecutionInfo): Run {
  return { workflowId, runId, type, isOpen: status.name === 'RUNNING' };
}
