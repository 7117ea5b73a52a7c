/** What the workflows of many operations left in Temporal. */
import type { Client } from '@temporalio/client';
import { nodeLocksWorkflowId, SEARCH_ATTRIBUTES } from '../../src/contract/names.ts';
import { median } from '../report/percentile.ts';
import { sumShares, timeShares } from './where-time-goes.ts';

export interface HistoryCost {
  readonly operations: number;
  readonly eventsPerOperation: number;
  /** Of the lock workflows of the nodes, divided among the operations. */
  readonly lockEventsPerOperation: number;
}

export interface TimeCost {
  /** How many operations were read. */
  readonly sample: number;
  readonly operationP50Ms: number;
  /** Of one operation, on average. */
  readonly shares: readonly { readonly what: string; readonly ms: number }[];
}

/** Over all operations of these nodes so far. */
export async function measureHistories(
  client: Client,
  cluster: string,
  nodes: readonly string[],
): Promise<HistoryCost> {
  let operations = 0;
  let events = 0;
  let lockEvents = 0;
  for (const node of nodes) {
    for await (const { historyLength } of client.workflow.list({ query: operationsOf(node) })) {
      operations += 1;
      events += historyLength;
    }
    for await (const { workflowId, runId } of client.workflow.list({ query: lockRunsOf(cluster, node) })) {
      // Visibility knows the length of those that have ended; the last one has not.
      lockEvents += (await client.workflow.getHandle(workflowId, runId).describe()).historyLength;
    }
  }
  return { operations, eventsPerOperation: events / operations, lockEventsPerOperation: lockEvents / operations };
}

/** Of up to `sampleMax` operations of one node, the last ones. */
export async function measureTime(client: Client, node: string, sampleMax: number): Promise<TimeCost> {
  const shares = [];
  const elapsedMs: number[] = [];
  for await (const { workflowId, runId } of client.workflow.list({ query: operationsOf(node) })) {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const share = timeShares(events ?? []);
    shares.push(share);
    elapsedMs.push([...share.values()].reduce((sum, ms) => sum + ms, 0));
    if (shares.length === sampleMax) break;
  }
  const sums = [...sumShares(shares)].map(([what, ms]) => ({ what, ms: ms / shares.length }));
  return { sample: shares.length, operationP50Ms: median(elapsedMs), shares: sums };
}

function operationsOf(node: string): string {
  return `${SEARCH_ATTRIBUTES.node}="${node}" AND ${SEARCH_ATTRIBUTES.operation} IS NOT NULL`;
}

function lockRunsOf(cluster: string, node: string): string {
  return `WorkflowId="${nodeLocksWorkflowId(cluster, node)}"`;
}
