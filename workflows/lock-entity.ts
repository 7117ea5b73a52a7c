/** What a lock entity knows and says: the lock table, the answers that are on their way, the deadlines. */
import {
  CancellationScope,
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  log,
  proxyActivities,
  proxySinks,
  setCurrentDetails,
} from '@temporalio/workflow';
import { ApplicationFailure } from '@temporalio/common';
import type { LockServiceActivities } from '../src/contract/activities.ts';
import { lockEventsOfMessage } from '../src/contract/lock-message-events.ts';
import type { LockMetricsSinks, ReclaimReason } from '../src/contract/lock-metrics.ts';
import { describeLockTable, viewLockTable } from '../src/contract/lock-table-view.ts';
import {
  LOCK_DENIED_SIGNAL,
  LOCK_GRANTED_SIGNAL,
  type LockDenied,
  type LockGranted,
  type LockMessage,
  type LockTableView,
  type RequestLocksAnswer,
} from '../src/contract/locks.ts';
import { waitersOf, type LockTable } from '../src/kernel/lock-queue.ts';
import type { LockEffect, LockEvent, LockEventBody } from '../src/kernel/lock-request.ts';
import { applyLockEvent, EMPTY_LOCK_TABLE, nextDeadlineMs, waitingSinceMs } from '../src/kernel/lock-table.ts';
import { lockClassOf } from '../src/kernel/lockdep.ts';
import { ResetDetector } from './reset-detector.ts';

const lockGranted = defineSignal<[LockGranted]>(LOCK_GRANTED_SIGNAL);
const lockDenied = defineSignal<[LockDenied]>(LOCK_DENIED_SIGNAL);
const { lockMetrics } = proxySinks<LockMetricsSinks>();

const { reportLockdep } = proxyActivities<LockServiceActivities>({
  startToCloseTimeout: '10 seconds',
  // It stands in the current details and in the log too; an API server that is away must not keep the entity.
  scheduleToCloseTimeout: '5 minutes',
  summary: 'report an order of locks that can deadlock',
});

type Said = Extract<LockEffect, { kind: 'grant' | 'deny' }>;

export class LockEntity {
  readonly node: string;
  table: LockTable;
  /** Grows with every reset: what was begun before is about a table that is no longer believed. */
  era = 0;
  /** Somebody has begun to wait: those in the way should be looked at. */
  onWait: () => void = () => undefined;
  #unsettled: string | undefined;
  /** What happened while it was not known what earlier runs had granted. */
  #early: LockEvent[] = [];
  /** The request whose grant is the answer of the update that is being handled. */
  #answered: string | undefined;
  /** Signals and activities on their way: continuing as new before they are done would lose them. */
  #outbound = 0;
  readonly #resets = new ResetDetector();

  constructor(node: string, carried: LockTable | undefined) {
    this.node = node;
    this.table = carried ? { ...carried, isRecovering: true } : EMPTY_LOCK_TABLE;
  }

  get view(): LockTableView {
    return viewLockTable(this.node, this.table, this.#unsettled);
  }

  /** Nothing is granted: it is not known, or after a reset not known any more, what is held. */
  get isRecovering(): boolean {
    return this.table.isRecovering || this.#resets.isReset;
  }

  get isQuiet(): boolean {
    return !this.isRecovering && this.#outbound === 0;
  }

  /** Whether somebody waits at all. */
  get isAwaited(): boolean {
    return waitingSinceMs(this.table) !== undefined;
  }

  /**
   * A message by signal. A request that is granted already is answered again: whoever asks by signal for what was asked by
   * update does not know the answer.
   */
  receive(message: LockMessage): void {
    const isKnown = message.request !== undefined && this.#grantOf(message.request.id) !== undefined;
    this.#take(message);
    if (isKnown) this.#repeatGrant(message);
  }

  /**
   * Throws unless `message` may come by update. While the entity recovers it must come by signal: the updates that the
   * server repeats after a reset are not replayed in the order in which they were handled.
   */
  admit({ request }: LockMessage): void {
    if (!request) throw ApplicationFailure.nonRetryable('only requests for locks come by update; send a signal');
    if (this.isRecovering) throw ApplicationFailure.nonRetryable('the lock service is recovering; send a signal');
  }

  /** A message with a request by update: its grant is the answer if it has one now, else it is told by signal. */
  answer(message: LockMessage): RequestLocksAnswer {
    this.#answered = message.request?.id;
    this.#take(message);
    this.#answered = undefined;
    const granted = message.request && this.#grantOf(message.request.id);
    return granted ? { kind: 'granted', ...granted } : { kind: 'pending' };
  }

  #take(message: LockMessage): void {
    for (const event of lockEventsOfMessage(message, Date.now())) this.apply(event);
    this.publish();
    if (this.isAwaited) this.onWait();
  }

  /** The only way in which the table changes. */
  apply(event: LockEventBody): void {
    this.noticeReset();
    const timed = { ...event, nowMs: Date.now() };
    if (this.table.isRecovering) this.#early.push(timed);
    const { table, effects } = applyLockEvent(this.table, timed);
    this.table = table;
    for (const effect of effects) this.#carryOut(effect);
  }

  /** After a reset the table is that of an earlier moment: locks that were granted since then are missing in it. */
  noticeReset(): void {
    if (!this.#resets.isReset) return;
    this.#resets.acknowledge();
    log.warn('this lock entity was reset: it finds out what it had granted before it grants again', {
      node: this.node,
    });
    this.era += 1;
    this.table = EMPTY_LOCK_TABLE;
    this.#early = [];
  }

  /** Takes over what earlier runs granted and promised; what has happened meanwhile counts on top of it. */
  restore(table: LockTable): void {
    this.table = { ...table, isRecovering: true };
    for (const event of this.#early) {
      const applied = applyLockEvent(this.table, event);
      this.table = applied.table;
      for (const effect of applied.effects) if (effect.kind === 'deny') this.#carryOut(effect);
    }
  }

  /** Begins to grant, with tokens of `epoch`. */
  open(epoch: number): void {
    this.apply({ kind: 'open', epoch });
    this.#early = [];
    this.publish();
    if (this.isAwaited) this.onWait();
  }

  reclaimed(reason: ReclaimReason): void {
    lockMetrics.reclaimed(reason);
  }

  /** Why closed holders could not be settled; undefined: they were. */
  noteUnsettled(why: string | undefined): void {
    this.#unsettled = why;
    this.publish();
  }

  /** Withdraws requests at their deadlines until `untilMs` or until nobody waits. */
  async expireUntil(untilMs: number): Promise<void> {
    while (this.isAwaited && Date.now() < untilMs) {
      const alarmMs = this.#alarmMs(untilMs);
      const isOver = (): boolean => !this.isAwaited || this.#alarmMs(untilMs) < alarmMs;
      await condition(isOver, Math.max(1, alarmMs - Date.now()), { summary: 'somebody waits for a lock' });
      this.apply({ kind: 'expire' });
      this.publish();
    }
  }

  publish(): void {
    const { view } = this;
    setCurrentDetails(describeLockTable(view));
    const waiting = view.locks.map(({ name }) => [lockClassOf(name), waitersOf(this.table, name).length] as const);
    const depths: Record<string, number> = {};
    for (const [name, depth] of waiting) if (depth > 0) depths[name] = (depths[name] ?? 0) + depth;
    lockMetrics.queueDepth(this.node, depths);
  }

  /**
   * Continuing as new waits for `work`. Messages are handled in the scope of the whole workflow, whose cancellation means
   * nothing here; it must not reach what they begin.
   */
  keepTrackOf(work: () => Promise<void>): void {
    this.#outbound += 1;
    void CancellationScope.nonCancellable(work).finally(() => (this.#outbound -= 1));
  }

  #alarmMs(untilMs: number): number {
    return Math.min(untilMs, nextDeadlineMs(this.table) ?? Infinity);
  }

  /** Undefined while it is not known what was granted. */
  #grantOf(id: string): LockGranted | undefined {
    if (this.table.isRecovering) return undefined;
    const request = this.table.requests.find((known) => known.id === id);
    return request?.pending.length === 0 ? { id, grants: request.held } : undefined;
  }

  /** As a renewal: the first answer may have arrived, so a run that is found closed may have left work behind. */
  #repeatGrant({ holder, purpose, request }: LockMessage): void {
    const granted = request && this.#grantOf(request.id);
    if (granted) this.keepTrackOf(() => this.#send({ kind: 'grant', holder, purpose, isRenewal: true, ...granted }));
  }

  #carryOut(effect: LockEffect): void {
    switch (effect.kind) {
      case 'grant':
        if (effect.isRenewal || effect.id !== this.#answered) this.keepTrackOf(() => this.#send(effect));
        break;
      case 'deny':
        this.keepTrackOf(() => this.#send(effect));
        break;
      case 'lockdep':
        log.warn('locks were taken in an order that can deadlock', { node: this.node, ...effect.report });
        this.keepTrackOf(() => reportLockdep({ node: this.node, report: effect.report }).catch(() => undefined));
        break;
      case 'acquired':
        lockMetrics.acquired(lockClassOf(effect.lock.name), effect.lock.mode, effect.waitMs);
        break;
      case 'released':
        lockMetrics.released(lockClassOf(effect.lock.name), effect.lock.mode, effect.holdMs);
        break;
    }
  }

  async #send(effect: Said): Promise<void> {
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
      this.#undelivered(effect, error.message);
    }
  }

  /** The run has closed: the next in the queue must not wait for a dead one. */
  #undelivered(effect: Said, reason: string): void {
    log.info('the requester of a lock is gone', { node: this.node, id: effect.id, reason });
    if (effect.kind === 'deny') return;
    // Whoever has the locks already may have left work behind on the node, which is settled when somebody waits for them.
    if (effect.isRenewal) this.apply({ kind: 'closed', runId: effect.holder.runId });
    else {
      this.apply({ kind: 'undeliverable', id: effect.id });
      this.reclaimed('undeliverable');
    }
    this.publish();
  }
}
