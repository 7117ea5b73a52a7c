/** What a lock entity knows: the lock table, what is told of it, the deadlines of those who wait. */
import { condition, log, patched, setCurrentDetails } from '@temporalio/workflow';
import { ApplicationFailure } from '@temporalio/common';
import { lockEventsOfMessage } from '../src/contract/lock-message-events.ts';
import type { ReclaimReason } from '../src/contract/lock-metrics.ts';
import { describeLockTable, viewLockTable } from '../src/contract/lock-table-view.ts';
import {
  LOCK_MESSAGE_SIGNAL,
  type LockGranted,
  type LockMessage,
  type LockTableView,
  type RefusedToken,
  type RequestLocksAnswer,
} from '../src/contract/locks.ts';
import type { NodeLocksInput } from '../src/contract/node-locks.ts';
import { readLockMessage } from '../src/contract/read-lock-message.ts';
import { believed, isDisproof, type Disproofs } from '../src/kernel/disproof.ts';
import { holdersOf, waitersOf, type LockTable } from '../src/kernel/lock-queue.ts';
import type { LockName } from '../src/kernel/lock.ts';
import type { LockEffect, LockEvent, LockEventBody } from '../src/kernel/lock-request.ts';
import { applyLockEvent, EMPTY_LOCK_TABLE, nextDeadlineMs, waitingSinceMs } from '../src/kernel/lock-table.ts';
import { lockClassOf } from '../src/kernel/lockdep.ts';
import { orDropped, orRejected } from './drop-malformed.ts';
import { LockMail, lockMetrics, type UndeliveredGrant } from './lock-mail.ts';
import { ResetDetector } from './reset-detector.ts';

export class LockEntity {
  readonly node: string;
  table: LockTable;
  /** Grows when the table is no longer believed (reset, or disproved): what was begun before counts no more. */
  era = 0;
  /** The node has refused a token of a lock that is held: it has seen grants of which this run knows nothing. */
  isDisproved = false;
  /** How often that was believed; unset: never. */
  disproofs: Disproofs | undefined;
  /** Somebody has begun to wait: those in the way should be looked at. */
  onWait: () => void = () => undefined;
  #unsettled: string | undefined;
  #refused: string | undefined;
  /** What happened while it was not known what earlier runs had granted. */
  #early: LockEvent[] = [];
  /** The request whose grant is the answer of the update that is being handled. */
  #answered: string | undefined;
  readonly mail: LockMail;
  readonly #resets = new ResetDetector();

  constructor({ node, carried }: NodeLocksInput) {
    this.node = node;
    this.disproofs = carried?.disproofs;
    this.mail = new LockMail(node, (grant) => {
      this.#undelivered(grant);
    });
    this.table = carried ? { ...carried.table, isRecovering: true } : EMPTY_LOCK_TABLE;
  }

  get view(): LockTableView {
    return viewLockTable(this.node, this.table, { unsettled: this.#unsettled, refused: this.#refused });
  }

  /** Nothing is granted: it is not known, or after a reset not known any more, what is held. */
  get isRecovering(): boolean {
    return this.table.isRecovering || this.#resets.isReset;
  }

  get isQuiet(): boolean {
    return !this.isRecovering && this.mail.isEmpty;
  }

  /** Whether somebody waits at all. */
  get isAwaited(): boolean {
    return waitingSinceMs(this.table) !== undefined;
  }

  /**
   * A message by signal. A request that is granted already is answered again: whoever asks by signal for what was asked by
   * update does not know the answer.
   */
  receive(sent: unknown): void {
    const message = orDropped(LOCK_MESSAGE_SIGNAL, readLockMessage(sent));
    if (!message) return;
    const isKnown = message.request !== undefined && this.#grantOf(message.request.id) !== undefined;
    this.#take(message);
    if (isKnown) this.#repeatGrant(message);
  }

  /**
   * Throws unless `sent` is a message that may come by update. While the entity recovers it must come by signal: the updates that the
   * server repeats after a reset are not replayed in the order in which they were handled.
   */
  admit(sent: unknown): void {
    const { request } = orRejected(readLockMessage(sent));
    if (!request) throw ApplicationFailure.nonRetryable('only requests for locks come by update; send a signal');
    if (this.isRecovering) throw ApplicationFailure.nonRetryable('the lock service is recovering; send a signal');
  }

  /** A message with a request by update: its grant is the answer if it has one now, else it is told by signal. */
  answer(sent: unknown): RequestLocksAnswer {
    const message = orRejected(readLockMessage(sent));
    this.#answered = message.request?.id;
    this.#take(message);
    this.#answered = undefined;
    const granted = message.request && this.#grantOf(message.request.id);
    return granted ? { kind: 'granted', ...granted } : { kind: 'pending' };
  }

  #take(message: LockMessage): void {
    const { runId } = message.holder;
    const refuted = message.release?.find(
      ({ id, refused }) => refused && isDisproof(this.table, { id, runId, refused }),
    );
    // Before anything is granted to somebody else.
    if (refuted?.refused && !this.isRecovering) this.#disprove(refuted.refused);
    for (const event of lockEventsOfMessage(message, Date.now())) this.apply(event);
    this.publish();
    if (this.isAwaited) this.onWait();
  }

  /** The node has seen `token` of a lock; who holds that lock here should have the highest one. */
  overtaken(name: LockName, token: number): void {
    const held = holdersOf(this.table, name).flatMap((holder) => holder.held.filter((lock) => lock.name === name));
    if (!this.isRecovering && held.some((lock) => lock.token < token)) this.#disprove({ name, token });
  }

  /**
   * The server was put back to an earlier moment, and this run with it: what it granted after that moment it does not know.
   * Whoever is in the table may hold what somebody else was granted since; all that is older than the next epoch is settled
   * on the node first, so those whose work was overtaken find their steps refused. Said again too soon, it means nothing.
   */
  #disprove({ name, token }: RefusedToken): void {
    const about = { node: this.node, lock: name, token };
    const disproofs = believed(this.disproofs, Date.now());
    if (!disproofs && patched('disproofs-are-limited')) {
      log.warn('the node refuses a token though it has settled all older ones: check its agent', about);
      return;
    }
    this.disproofs = disproofs ?? this.disproofs;
    log.warn('the node has seen later tokens: the Temporal server was put back to an earlier moment', about);
    this.era += 1;
    this.isDisproved = true;
    this.table = { ...this.table, isRecovering: true };
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
    this.isDisproved = false;
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
    this.isDisproved = false;
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

  /** Why no epoch could be claimed; undefined: one was. */
  noteRefused(why: string | undefined): void {
    if (this.#refused === why) return;
    this.#refused = why;
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
    if (granted) this.mail.carryOut({ kind: 'grant', holder, purpose, isRenewal: true, ...granted });
  }

  #carryOut(effect: LockEffect): void {
    const isAnswered = effect.kind === 'grant' && !effect.isRenewal && effect.id === this.#answered;
    if (!isAnswered) this.mail.carryOut(effect);
  }

  /** The run has closed: the next in the queue must not wait for a dead one. */
  #undelivered({ id, holder, isRenewal }: UndeliveredGrant): void {
    // Whoever has the locks already may have left work behind on the node, which is settled when somebody waits for them.
    if (isRenewal) this.apply({ kind: 'closed', runId: holder.runId });
    else {
      this.apply({ kind: 'undeliverable', id });
      this.reclaimed('undeliverable');
    }
    this.publish();
  }
}
