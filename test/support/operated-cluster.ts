/** A cluster with simulated nodes and an operator: also what Temporal says about its operations and locks. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { LOCK_TABLE_QUERY, type LockTableView } from '../../src/contract/locks.ts';
import { nodeLocksWorkflowId, operationWorkflowId } from '../../src/contract/names.ts';
import { SimulatedCluster, type SimulatedClusterOptions } from './simulated-cluster.ts';

/** One run of an operation workflow, as Temporal's visibility lists it. */
export interface SeenOperation {
  readonly workflowId: string;
  readonly runId: string;
  /** Workflow type: `onlineMemory`. */
  readonly type: string;
  /** `RUNNING`, `COMPLETED` … */
  readonly status: string;
}

export interface OperatedClusterOptions extends SimulatedClusterOptions {
  readonly clusterId: string;
  readonly temporal: Client;
}

export class OperatedCluster extends SimulatedCluster {
  readonly clusterId: string;
  /** A client of the Temporal server, for histories and visibility. */
  readonly temporal: Client;

  constructor({ clusterId, temporal, ...options }: OperatedClusterOptions) {
    super(options);
    this.clusterId = clusterId;
    this.temporal = temporal;
  }

  /** Runs that Temporal's visibility lists for a query such as `NodeName="x"`, oldest first. */
  async operations(query: string): Promise<readonly SeenOperation[]> {
    const found: WorkflowExecutionInfo[] = [];
    for await (const run of this.temporal.workflow.list({ query })) found.push(run);
    return found
      .sort((one, other) => one.startTime.getTime() - other.startTime.getTime())
      .map(({ workflowId, runId, type, status }) => ({ workflowId, runId, type, status: status.name }));
  }

  operationId(node: string, blockId: number): string {
    return operationWorkflowId(this.clusterId, node, blockId);
  }

  /** Workflow id of the node's lock entity. */
  lockEntityId(node: string): string {
    return nodeLocksWorkflowId(this.clusterId, node);
  }

  /** Who holds and who waits on a node; empty while nobody has ever asked for a lock there. */
  async lockTable(node: string): Promise<LockTableView['locks']> {
    const handle = this.temporal.workflow.getHandle(this.lockEntityId(node));
    return (await handle.query<LockTableView>(LOCK_TABLE_QUERY)).locks;
  }
}
