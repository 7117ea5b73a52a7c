/** What a running operation is doing and, where it waits for locks, whom it waits for. */
import type { LockParty, LockTableView } from '../contract/locks.ts';
import type { OperationStarter } from '../contract/operation-starter.ts';
import type { OperationPhase } from '../contract/operations.ts';
import type { Clock } from './clock.ts';
import type { RunningOperation } from './plan.ts';
import type { RecentLockTables } from './recent-lock-tables.ts';
import { LONG_WAIT_MS } from './report-locks.ts';

export interface OperationProgress extends OperationPhase {
  /** Of a wait for locks, those that have held for a while: `online memory33 holds device_hotplug_lock since …`. */
  readonly holders?: readonly string[];
  /**
   * A holder has ended, and its node has not confirmed yet that nothing goes on for it, or the node's lock service cannot
   * begin: why, and what to do.
   */
  readonly unsettled?: string;
}

export interface ProgressSources {
  readonly starter: OperationStarter;
  readonly locks: RecentLockTables;
  readonly clock: Clock;
}

/**
 * Undefined when the run cannot answer now. Where many wait on one node, most are found in the lock table that another one's
 * look has asked for, and no workflow is asked.
 */
export async function progressOf(
  { starter, locks, clock }: ProgressSources,
  node: string,
  { workflowId, runId }: RunningOperation,
): Promise<OperationProgress | undefined> {
  const known = waitIn(await locks.recent(node), runId, clock.nowMs());
  if (known) return known;
  const phase = await starter.phase(workflowId, runId);
  if (phase?.phase !== 'WaitingForLocks') return phase;
  return waitIn(await locks.table(node), runId, clock.nowMs()) ?? phase;
}

/** Undefined when the run does not wait there. */
function waitIn(
  table: LockTableView | 'stopped' | undefined,
  runId: string,
  nowMs: number,
): OperationProgress | undefined {
  if (typeof table !== 'object') return undefined;
  const awaited = table.locks.filter(({ waiters }) => waiters.some((waiter) => waiter.runId === runId));
  const since = awaited[0]?.waiters.find((waiter) => waiter.runId === runId)?.since;
  if (since === undefined) return undefined;
  const holders = awaited.flatMap((lock) =>
    lock.holders.filter((holder) => isWorthNaming(holder, nowMs)).map((holder) => describeHolder(lock.name, holder)),
  );
  const { refused, unsettled } = table;
  const isClosed = awaited.some((lock) => lock.holders.some((holder) => holder.isClosed));
  return {
    phase: 'WaitingForLocks',
    since,
    holders,
    ...(isClosed && unsettled !== undefined ? { unsettled: remedyFor(table) } : {}),
    ...(refused === undefined ? {} : { unsettled: refused }),
  };
}

/** In a queue that moves, everybody's status would be written anew each time that its head changes. */
function isWorthNaming({ since, isClosed, suspect }: LockParty, nowMs: number): boolean {
  return isClosed === true || suspect !== undefined || nowMs - Date.parse(since) >= LONG_WAIT_MS;
}

function describeHolder(lock: string, { purpose, since, isClosed, suspect }: LockParty): string {
  const state = isClosed ? ', though its workflow has ended' : suspect === undefined ? '' : `, suspect: ${suspect}`;
  return `${purpose} holds ${lock} since ${since}${state}`;
}

function remedyFor({ node, unsettled = '' }: LockTableView): string {
  const todo = `Start the agent of ${node}; if that node is lost for good, delete it, or use memhp locks release`;
  return `${unsettled}. ${todo}`;
}
