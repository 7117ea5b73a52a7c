/** One event's worth of changes to a lock table. */
import {
  conflicts,
  enqueued,
  holdersOf,
  isKnown,
  locksHeldBy,
  waitersOf,
  type LockRequestState,
  type LockTable,
} from './lock-queue.ts';
import type { Addressee, LockEffect, LockReleased, LockRequested } from './lock-request.ts';
import type { HeldLock, LockName, WantedLock } from './lock.ts';
import { REQUESTS_MAX, whyBusy, whyDeadlock, whyFull, whyInvalid, whyTimedOut, type Refusal } from './lock-refusal.ts';
import { noteAcquisition } from './lockdep.ts';
import { tokenOf } from './token.ts';

/** Ids remembered after their end, so that a late or doubled message does nothing: two for every live request. */
export const FINISHED_MAX = 2 * REQUESTS_MAX;

export class LockTableDraft {
  table: LockTable;
  readonly effects: LockEffect[] = [];
  readonly #nowMs: number;
  /** Locks whose queues may have a new head. */
  readonly #freed = new Set<LockName>();

  constructor(table: LockTable, nowMs: number) {
    this.table = table;
    this.#nowMs = nowMs;
  }

  request(event: LockRequested): void {
    if (isKnown(this.table, event)) return;
    const refusal = whyInvalid(event) ?? whyFull(this.table, event.locks);
    if (refusal) {
      this.#deny(event, refusal);
      return;
    }
    this.table = enqueued(this.table, event);
    // Who causes a request waits for it from now on, also where it is granted at once.
    const caused = event.causedBy === undefined ? undefined : this.#find(event.id);
    if (caused && this.#refuseCycle(caused)) return;
    this.#advance(event.id, event.tryLock);
  }

  /**
   * A request of the past, whose answer, if there was one, follows. Nothing is refused: what was within the limits then may
   * not be now, because refusals follow as well. A trylock that was never answered expires at once.
   */
  replay(event: LockRequested): void {
    if (isKnown(this.table, event)) return;
    this.table = enqueued(this.table, event.tryLock ? { ...event, deadlineMs: event.nowMs } : event);
  }

  release({ id, names, by }: LockReleased): void {
    const request = this.#find(id);
    // A run that was reset speaks of what the run before it held. That one is closed, and may have left work behind.
    if (request && by !== undefined && by !== request.holder.runId) {
      this.close(request.holder.runId);
      return;
    }
    // A release may overtake its request: the tombstone keeps the late request from being granted to nobody.
    if (!request || !names) {
      this.end(id);
      return;
    }
    // Nobody but the reducer knows what it holds so far; its grant must not lack a lock.
    if (request.pending.length > 0) return;
    this.#keep(request, (lock) => !names.includes(lock.name));
  }

  expire(): void {
    for (const request of this.table.requests) {
      const isDue = request.deadlineMs !== undefined && request.deadlineMs <= this.#nowMs;
      if (isDue && request.pending.length > 0) this.#deny(request, whyTimedOut(this.table, request));
    }
  }

  /** Forgets request `id`, whatever it holds or waits for, and remembers that it has ended. */
  end(id: string): void {
    const request = this.#find(id);
    if (request) {
      this.#free(request.held);
      for (const lock of request.pending.slice(0, 1)) this.#freed.add(lock.name);
      this.table = { ...this.table, requests: this.table.requests.filter((other) => other.id !== id) };
    }
    if (this.table.finished.includes(id)) return;
    this.table = { ...this.table, finished: [...this.table.finished, id].slice(-FINISHED_MAX) };
  }

  undeliverable(id: string): void {
    const request = this.#find(id);
    if (!request) return;
    this.end(id);
    this.close(request.holder.runId);
  }

  close(runId: string): void {
    const { closedRuns } = this.table;
    if (!closedRuns.includes(runId)) {
      this.table = { ...this.table, closedRuns: [...closedRuns, runId].slice(-REQUESTS_MAX) };
    }
    for (const request of this.#requestsOf(runId)) {
      // It never learnt of the locks that it holds while it waits: nothing can be in progress under them.
      if (request.pending.length > 0) this.end(request.id);
      else this.#replace({ ...request, isClosed: true });
    }
  }

  settle(runId: string): void {
    this.close(runId);
    for (const request of this.#requestsOf(runId)) this.end(request.id);
  }

  suspect(id: string, reason: string | undefined): void {
    const request = this.#find(id);
    if (!request) return;
    const { suspect, ...rest } = request;
    if (suspect !== reason) this.#replace(reason === undefined ? rest : { ...rest, suspect: reason });
  }

  /**
   * Whoever held these locks so that `id` could not have been granted them had given them back by then. Told again, a grant
   * is old: `id` may have given part of it back, and others may hold that since.
   */
  adopt(id: string, grants: readonly HeldLock[]): void {
    const request = this.#find(id);
    if (!request || isKnownGrant(request, grants)) return;
    const isCompatible = (lock: HeldLock): boolean =>
      !grants.some((grant) => grant.name === lock.name && conflicts(grant, lock));
    for (const other of this.table.requests) if (other.id !== id) this.#keep(other, isCompatible);
    this.#replace({ ...request, held: grants, pending: [] });
  }

  /** `epoch` is not lower than any before. */
  open(epoch: number): void {
    if (epoch !== this.table.epoch) this.#renew(epoch);
    this.table = { ...this.table, isRecovering: false };
    const unanswered = this.table.requests.filter(({ held, pending }) => pending.length > 0 || held.length === 0);
    for (const request of [...unanswered].sort((a, b) => a.ticket - b.ticket)) {
      const refusal = request.held.length > 0 ? undefined : whyInvalid({ ...request, locks: request.pending });
      if (refusal) this.#deny(request, refusal);
      else this.#advance(request.id);
    }
  }

  /** Grants every lock that has become free to whoever is first in its queue, until nothing moves. */
  promote(): void {
    for (const name of this.#freed) {
      this.#freed.delete(name);
      for (const waiter of waitersOf(this.table, name)) {
        const request = this.#find(waiter.id);
        if (request?.pending[0]?.name !== name) continue;
        if (!this.#isGrantable(request)) break;
        this.#advance(request.id);
      }
    }
  }

  /** Every lock that is held gets a token of the new epoch, in the order of the old ones; whoever was granted is told. */
  #renew(epoch: number): void {
    this.table = { ...this.table, epoch, sequence: 0 };
    const old = this.table.requests.flatMap((request) => request.held.map((lock) => lock.token));
    const renewed = new Map(old.sort((a, b) => a - b).map((token) => [token, this.#nextToken()]));
    for (const request of this.table.requests) {
      if (request.held.length === 0) continue;
      const held = request.held.map((lock) => ({ ...lock, token: renewed.get(lock.token) ?? lock.token }));
      this.#replace({ ...request, held });
      if (request.pending.length === 0 && !request.isClosed) this.#grant({ ...request, held }, true);
    }
  }

  /** Takes lock after lock for request `id` until all are held (grant) or one must be waited for. */
  #advance(id: string, tryLock = false): void {
    for (let request = this.#find(id); request; request = this.#find(id)) {
      const [wanted, ...pending] = request.pending;
      if (!wanted) {
        this.#grant(request, false);
        return;
      }
      if (!tryLock && !this.table.isRecovering) this.#noteOrder(request, wanted);
      if (!this.#isGrantable(request)) {
        if (tryLock) this.#deny(request, whyBusy(this.table, request));
        else this.#refuseCycle(request);
        return;
      }
      const held = [...request.held, { ...wanted, token: this.#nextToken(), sinceMs: this.#nowMs }];
      const ticket = this.table.nextTicket;
      this.table = { ...this.table, nextTicket: ticket + 1 };
      this.effects.push({ kind: 'acquired', lock: wanted, waitMs: this.#nowMs - request.sinceMs });
      this.#replace({ ...request, held, pending, ticket, sinceMs: this.#nowMs });
    }
  }

  /** Whether `request` closes a cycle; it is then refused. */
  #refuseCycle(request: LockRequestState): boolean {
    const refusal = this.table.isRecovering ? undefined : whyDeadlock(this.table, request);
    if (refusal) this.#deny(request, refusal);
    return refusal !== undefined;
  }

  #isGrantable(request: LockRequestState): boolean {
    const wanted = request.pending[0];
    if (!wanted || this.table.isRecovering) return false;
    const { name } = wanted;
    const ahead = waitersOf(this.table, name).filter((other) => other.ticket < request.ticket);
    const inTheWay = [
      ...holdersOf(this.table, name).flatMap((holder) => holder.held.filter((lock) => lock.name === name)),
      ...ahead.flatMap((waiter) => waiter.pending.slice(0, 1)),
    ];
    return !inTheWay.some((lock) => conflicts(lock, wanted));
  }

  #noteOrder({ holder, purpose }: LockRequestState, wanted: WantedLock): void {
    const held = locksHeldBy(this.table, holder.runId).map(({ name, mode }) => ({ name, mode }));
    const noted = noteAcquisition(this.table.lockdep, { ...holder, purpose, held, wanted: wanted.name });
    if (noted.lockdep !== this.table.lockdep) this.table = { ...this.table, lockdep: noted.lockdep };
    for (const report of noted.reports) this.effects.push({ kind: 'lockdep', report });
  }

  #deny({ id, holder, purpose }: Addressee, refusal: Refusal): void {
    this.end(id);
    this.effects.push({ kind: 'deny', id, holder, purpose, ...refusal });
  }

  #grant({ id, holder, purpose, held }: LockRequestState, isRenewal: boolean): void {
    this.effects.push({ kind: 'grant', id, holder, purpose, grants: held, isRenewal });
  }

  /** Gives back what `request` holds and `isKept` does not name; it ends when it has nothing left and wants nothing. */
  #keep(request: LockRequestState, isKept: (lock: HeldLock) => boolean): void {
    const held = request.held.filter(isKept);
    if (held.length === request.held.length) return;
    if (held.length === 0 && request.pending.length === 0) {
      this.end(request.id);
      return;
    }
    this.#free(request.held.filter((lock) => !held.includes(lock)));
    this.#replace({ ...request, held });
  }

  #free(locks: readonly HeldLock[]): void {
    for (const lock of locks) {
      this.#freed.add(lock.name);
      const { name, mode } = lock;
      this.effects.push({ kind: 'released', lock: { name, mode }, holdMs: this.#nowMs - lock.sinceMs });
    }
  }

  #nextToken(): number {
    const sequence = this.table.sequence + 1;
    this.table = { ...this.table, sequence };
    return tokenOf(this.table.epoch, sequence);
  }

  #find(id: string): LockRequestState | undefined {
    return this.table.requests.find((request) => request.id === id);
  }

  #requestsOf(runId: string): readonly LockRequestState[] {
    return this.table.requests.filter((request) => request.holder.runId === runId);
  }

  #replace(next: LockRequestState): void {
    const requests = this.table.requests.map((request) => (request.id === next.id ? next : request));
    this.table = { ...this.table, requests };
  }
}

function isKnownGrant({ held, pending }: LockRequestState, grants: readonly HeldLock[]): boolean {
  const isKnown = (lock: HeldLock): boolean =>
    grants.some((grant) => grant.name === lock.name && grant.token <= lock.token);
  return pending.length === 0 && held.some(isKnown);
}
