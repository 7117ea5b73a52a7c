/** What a running operation is doing and, where it waits for locks, whom it waits for. */
import type { LockService } from '../contract/lock-service.ts';
import type { LockParty, LockTableView } from '../contract/locks.ts';
import type { OperationStarter } from '../contract/operation-starter.ts';
import type { OperationPhase } from '../contract/operations.ts';
import type { RunningOperation } from './plan.ts';

export interface OperationProgress extends OperationPhase {
  /** Of a wait for locks: `online memory33 holds device_hotplug_lock since …`. */
  readonly holders?: readonly string[];
  /** A holder has ended, and its node has not confirmed yet that nothing goes on for it: why, and what to do. */
  readonly unsettled?: string;
}

/** Undefined when the run cannot answer now. */
export async function progressOf(
  { starter, locks }: { readonly starter: OperationStarter; readonly locks: LockService },
  node: string,
  { workflowId, runId }: RunningOperation,
): Promise<OperationProgress | undefined> {
  const phase = await starter.phase(workflowId, runId);
  if (phase?.phase !== 'WaitingForLocks') return phase;
  const table = await locks.table(node);
  return typeof table === 'object' ? { ...phase, ...inTheWay(table, runId) } : phase;
}

function inTheWay(table: LockTableView, runId: string): Pick<OperationProgress, 'holders' | 'unsettled'> {
  const awaited = table.locks.filter(({ waiters }) => waiters.some((waiter) => waiter.runId === runId));
  const holders = awaited.flatMap((lock) => lock.holders.map((holder) => describeHolder(lock.name, holder)));
  const isClosed = awaited.some((lock) => lock.holders.some((holder) => holder.isClosed));
  return { holders, ...(isClosed && table.unsettled !== undefined ? { unsettled: remedyFor(table) } : {}) };
}

function describeHolder(lock: string, { purpose, since, isClosed, suspect }: LockParty): string {
  const state = isClosed ? ', though its workflow has ended' : suspect === undefined ? '' : `, suspect: ${suspect}`;
  return `${purpose} holds ${lock} since ${since}${state}`;
}

function remedyFor({ node, unsettled = '' }: LockTableView): string {
  const todo = `Start the agent of ${node}; if that node is lost for good, delete it, or use memhp locks release`;
  return `${unsettled}. ${todo}`;
}
