/** Workflow holdLocks without a command line: what it holds the locks for ends at once. */
import { randomUUID } from 'node:crypto';
import { Worker } from '@temporalio/worker';
import type { HolderActivities } from '../../src/contract/hold-locks.ts';
import { commandTaskQueue } from '../../src/contract/names.ts';
import { startHoldLocks } from '../../src/temporal/start-hold-locks.ts';
import type { OperationStage } from './operation-stage.ts';
import { sharedTemporal } from './shared-temporal.ts';

/** Starts it; `result` also stops what served it. */
export async function startHolding({
  client,
  cluster,
  node,
}: OperationStage): Promise<{ workflowId: string; runId: string; result(): Promise<unknown> }> {
  const { native: connection, namespace } = await sharedTemporal();
  const session = randomUUID().slice(0, 8);
  const taskQueue = commandTaskQueue(cluster, session);
  const activities: HolderActivities = { runCommand: () => Promise.resolve(0), answer: () => Promise.resolve() };
  const worker = await Worker.create({ connection, namespace, taskQueue, activities: { ...activities } });
  const locks = [{ name: 'device_hotplug_lock', mode: 'write' }] as const;
  const input = { cluster, node: node.name, locks, purpose: 'test', taskQueue, suspectAfterMs: 10_000 };
  const handle = await startHoldLocks(client, session, input);
  const result = handle.result();
  return {
    workflowId: handle.workflowId,
    runId: handle.firstExecutionRunId,
    result: () => worker.runUntil(result),
  };
}
