/** What one uncontended cycle costs in history, of the workflow that takes the locks and of those that are the locks. */
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { operationsTaskQueue } from '../../src/contract/names.ts';
import { eventually } from '../../test/support/eventually.ts';
import { median } from '../report/percentile.ts';
import type { WorkflowVariant } from './variants.ts';
import type { TakenLocks, Taking } from './workflows/taking.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

export interface HistoryCost {
  readonly requesterEvents: number;
  readonly requesterTasks: number;
  readonly lockEvents: number;
  readonly lockTasks: number;
}

/** The median of `cycles`, after a first one that starts the lock workflows. */
export async function measureEvents(
  client: Client,
  node: string,
  variant: WorkflowVariant,
  cycles: number,
): Promise<HistoryCost> {
  const taking: Taking = { cluster: variant.cluster, node };
  const costs: HistoryCost[] = [];
  await runRequester(client, taking, variant);
  for (let cycle = 0; cycle < cycles; cycle++) {
    const before = await settledHistories(client, variant.locks(taking));
    const requester = await runRequester(client, taking, variant);
    const locks = (await settledHistories(client, variant.locks(taking))).flatMap((after) => {
      // A lock workflow that went on has only grown; one that was started anew is part of the cost from its first event.
      const earlier = before.find((history) => runIdOf(history) === runIdOf(after));
      return after.slice(earlier?.length ?? 0);
    });
    costs.push({
      requesterEvents: requester.length,
      requesterTasks: tasksIn(requester),
      lockEvents: locks.length,
      lockTasks: tasksIn(locks),
    });
  }
  const medianOf = (key: keyof HistoryCost): number => median(costs.map((cost) => cost[key]));
  return {
    requesterEvents: medianOf('requesterEvents'),
    requesterTasks: medianOf('requesterTasks'),
    lockEvents: medianOf('lockEvents'),
    lockTasks: medianOf('lockTasks'),
  };
}

async function runRequester(
  client: Client,
  taking: Taking,
  variant: WorkflowVariant,
): Promise<readonly HistoryEvent[]> {
  const handle = await client.workflow.start<(taking: Taking) => Promise<TakenLocks>>(variant.requester, {
    workflowId: `${taking.cluster}/requester/${randomUUID()}`,
    taskQueue: operationsTaskQueue(taking.cluster),
    args: [taking],
  });
  await handle.result();
  return (await handle.fetchHistory()).events ?? [];
}

/** Read when nothing is under way in any of them any more. */
async function settledHistories(client: Client, workflowIds: readonly string[]): Promise<(readonly HistoryEvent[])[]> {
  return Promise.all(
    workflowIds.map((workflowId) =>
      eventually(`${workflowId} has nothing left to do`, async () => {
        const events = (await client.workflow.getHandle(workflowId).fetchHistory()).events ?? [];
        // A timer that is cancelled wakes nobody.
        const last = events.findLast((event) => !event.timerCanceledEventAttributes);
        const isSettled = last?.workflowTaskCompletedEventAttributes ?? last?.workflowExecutionCompletedEventAttributes;
        return isSettled ? events : undefined;
      }),
    ),
  );
}

function runIdOf(events: readonly HistoryEvent[]): string | null | undefined {
  return events[0]?.workflowExecutionStartedEventAttributes?.originalExecutionRunId;
}

function tasksIn(events: readonly HistoryEvent[]): number {
  return events.filter((event) => event.workflowTaskCompletedEventAttributes).length;
}
