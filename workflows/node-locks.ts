/**
 * The lock entity of one node: carries the pure lock table (src/kernel/lock-table.ts) and nothing else.
 *
 * It is started by the first message, never completes, and continues as new. A grant leaves only as a command of the
 * workflow task that records it, so a grant that was never recorded was never sent.
 */
import {
  sleep,
  condition,
  continueAsNew,
  log,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { defineQuery, defineSignal, getExternalWorkflowHandle } from '@temporalio/workflow';
import { ApplicationFailure } from '@temporalio/common';
import type { LockServiceActivities } from '../src/contract/activities.ts';
import { viewLockTable, describeLockTable } from '../src/contract/lock-table-view.ts';
import {
  LOCK_DENIED_SIGNAL,
  LOCK_GRANTED_SIGNAL,
  LOCK_MESSAGE_SIGNAL,
  LOCK_TABLE_QUERY,
  type LockDenied,
  type LockGranted,
  type LockMessage,
  type LockTableView,
} from '../src/contract/locks.ts';
import type { NodeLocksInput } from '../src/contract/node-locks.ts';
import type { LockTable } from '../src/kernel/lock-queue.ts';
import type { LockEffect, LockEvent } from '../src/kernel/lock-request.ts';
import { applyLockEvent, emptyLockTable, nextDeadlineMs } from '../src/kernel/lock-table.ts';

/** About 13 events a lock cycle: some 150 cycles a run, well below the server's own suggestion at 4,096 events. */
const HISTORY_LENGTH_MAX = 2_000;

const lockMessage = defineSignal<[LockMessage]>(LOCK_MESSAGE_SIGNAL);
const lockGranted = defineSignal<[LockGranted]>(LOCK_GRANTED_SIGNAL);
const lockDenied = defineSignal<[LockDenied]>(LOCK_DENIED_SIGNAL);
const lockTable = defineQuery<LockTableView>(LOCK_TABLE_QUERY);

const { claimLockService } = proxyActivities<LockServiceActivities>({
  startToCloseTimeout: '10 seconds',
  // No epoch, no grants: it is tried until NodeMemory can be written.
  retry: { initialInterval: '200 milliseconds', maximumInterval: '10 seconds' },
  summary: 'claim the epoch of the lock service',
});

export async function nodeLocks(input: NodeLocksInput): Promise<void> {
  const entity = new LockEntity(input.node, input.carried?.table ?? emptyLockTable(0));
  setHandler(lockMessage, (message) => entity.receive(message), {
    description: 'Releases locks and asks for locks; sent by operation workflows, idempotent by request id',
  });
  setHandler(lockTable, () => viewLockTable(input.node, entity.table), {
    description: 'Holders and waiters of every lock of this node, with tokens',
  });

  const { runId } = workflowInfo();
  const { epoch } = await claimLockService({
    node: input.node,
    runId,
    ...(input.carried ? { previousRunId: input.carried.runId, epoch: input.carried.table.epoch } : {}),
  });
  entity.open(epoch);

  const lengthMax = input.historyLengthMax ?? HISTORY_LENGTH_MAX;
  await condition(() => {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return (continueAsNewSuggested || historyLength > lengthMax) && entity.isQuiet;
  });
  // Nothing may be awaited from here on: what arrives now fails this task and is seen by the next.
  await continueAsNew<typeof nodeLocks>({ ...input, carried: { table: entity.table, runId } });
}

class LockEntity {
  table: LockTable;
  private isOpen = false;
  private readonly early: LockMessage[] = [];
  /** Signals on their way: continuing as new before they are delivered would lose them. */
  private outbound = 0;
  private armedForMs = Infinity;
  private readonly node: string;

  constructor(node: string, table: LockTable) {
    this.node = node;
    this.table = table;
  }

  get isQuiet(): boolean {
    return this.isOpen && this.outbound === 0;
  }

  /** Begins to grant, with tokens of `epoch`. */
  open(epoch: number): void {
    if (epoch !== this.table.epoch) this.table = { ...this.table, epoch, sequence: 0 };
    this.isOpen = true;
    for (const message of this.early.splice(0)) this.receive(message);
    this.publish();
    this.armDeadline();
  }

  receive(message: LockMessage): void {
    if (!this.isOpen) {
      this.early.push(message);
      return;
    }
    const { holder, purpose, release = [], request } = message;
    for (const { id, names } of release) this.apply({ kind: 'release', id, ...(names ? { names } : {}) });
    if (request) {
      const nowMs = Date.now();
      const deadline = request.timeoutMs === undefined ? {} : { deadlineMs: nowMs + request.timeoutMs };
      this.apply({ kind: 'request', id: request.id, holder, purpose, locks: request.locks, nowMs, ...deadline });
    }
    this.publish();
    this.armDeadline();
  }

  private apply(event: LockEvent): void {
    const { table, effects } = applyLockEvent(this.table, event);
    this.table = table;
    for (const effect of effects) {
      this.outbound += 1;
      void this.send(effect).finally(() => (this.outbound -= 1));
    }
  }

  private async send(effect: LockEffect): Promise<void> {
    const { id, holder } = effect;
    const run = getExternalWorkflowHandle(holder.workflowId, holder.runId);
    try {
      if (effect.kind === 'grant') await run.signal(lockGranted, { id, grants: effect.grants });
      else {
        const { errno, message, cycle } = effect;
        if (cycle) log.warn('lock request refused: it would close a wait-for cycle', { node: this.node, cycle });
        await run.signal(lockDenied, { id, errno, message, ...(cycle ? { cycle } : {}) });
      }
    } catch (error) {
      if (!(error instanceof ApplicationFailure)) throw error;
      // The run has closed: the next in the queue must not wait for a dead one.
      log.info('the requester of a lock is gone', { node: this.node, id, reason: error.message });
      this.apply({ kind: 'undeliverable', id });
      this.publish();
    }
  }

  private publish(): void {
    setCurrentDetails(describeLockTable(viewLockTable(this.node, this.table)));
  }

  /** Starts a timer only while somebody waits with a deadline: the uncontended path has none. */
  private armDeadline(): void {
    const deadlineMs = nextDeadlineMs(this.table);
    if (deadlineMs === undefined || deadlineMs >= this.armedForMs) return;
    this.armedForMs = deadlineMs;
    void this.expireAt(deadlineMs);
  }

  private async expireAt(deadlineMs: number): Promise<void> {
    await sleep(Math.max(1, deadlineMs - Date.now()), { summary: 'lock timeout of the longest waiter' });
    if (this.armedForMs === deadlineMs) this.armedForMs = Infinity;
    this.apply({ kind: 'expire', nowMs: Date.now() });
    this.publish();
    this.armDeadline();
  }
}
