/** Histories of one cluster's workflows, for a replay: those that are open, and the last ones of each type that have closed. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { WORKFLOW_TYPES } from '../contract/workflow-types.ts';
import type { History } from './history-index.ts';
import { isOpenStatus } from './is-run-open.ts';
import { grpcCodeOf } from './no-answer.ts';

export interface HistoryQuery {
  readonly cluster: string;
  /** Open runs per type. */
  readonly openLimit: number;
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

export type Run = Pick<FoundHistory, 'workflowId' | 'runId' | 'type' | 'isOpen'>;

export interface FoundRuns {
  readonly runs: readonly Run[];
  /** Workflow types of which more are open than `openLimit`. */
  readonly cut: readonly string[];
}

const NOT_FOUND = 5;

/** The open ones first: they are what an upgrade would break. */
export async function findRuns(client: Client, wanted: HistoryQuery): Promise<FoundRuns> {
  if (wanted.query !== undefined) return { runs: await listRuns(client, wanted.query, Infinity), cut: [] };
  const ours = `WorkflowId STARTS_WITH "${wanted.cluster}/"`;
  const since = wanted.sinceMs === undefined ? '' : ` AND CloseTime > "${new Date(wanted.sinceMs).toISOString()}"`;
  const open: Run[] = [];
  const closed: Run[] = [];
  const cut: string[] = [];
  for (const type of WORKFLOW_TYPES) {
    const ofType = `${ours} AND WorkflowType = "${type}"`;
    // Not by status: a paused workflow is open as well.
    const found = await listRuns(client, `${ofType} AND CloseTime IS NULL`, wanted.openLimit + 1);
    if (found.length > wanted.openLimit) cut.push(type);
    open.push(...found.slice(0, wanted.openLimit));
    closed.push(...(await listRuns(client, `${ofType} AND CloseTime IS NOT NULL${since}`, wanted.limit)));
  }
  return { runs: [...open, ...closed], cut };
}

/** One after the other, as they are asked for; runs that are gone meanwhile are left out. */
export async function* readHistories(client: Client, runs: readonly Run[]): AsyncGenerator<FoundHistory> {
  for (const run of runs) {
    const handle = client.workflow.getHandle(run.workflowId, run.runId);
    try {
      yield { ...run, history: await handle.fetchHistory() };
    } catch (error) {
      // The transport's own error: the client gives it no type of its own here.
      if (grpcCodeOf(error) !== NOT_FOUND) throw error;
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
  return { workflowId, runId, type, isOpen: isOpenStatus(status.name) };
}
