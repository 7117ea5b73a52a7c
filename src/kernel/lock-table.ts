/**
 * All locks of one node, as a pure reducer: event in, next table and effects out.
 *
 * Guarantees, each a property test: a writer is alone; readers share; every lock is granted in order of arrival, so a
 * reader that comes after a waiting writer waits behind it; a request that would close a wait-for cycle is refused and
 * keeps nothing; tokens strictly increase; every event is idempotent by request id, in any order of arrival.
 *
 * Mirrors device_hotplug_lock and device_lock (mutexes) and mem_hotplug_lock (a percpu rwsem), v6.12. Deliberately FIFO,
 * where the kernel's sysfs path trylocks and restarts.
 */
import { conflicts, holdersOf, waitersOf, type LockRequestState, type LockTable } from './lock-queue.ts';
import type { HeldLock, LockEffect, LockEvent, LockName, WantedLock } from './lock-request.ts';
import { tokenOf } from './token.ts';
import { findCycle } from './wait-for.ts';

/** 64 blocks in flight times four operations; a table of so many requests still fits one workflow task comfortably. */
export const REQUESTS_MAX = 256;
/** D, M:w and the L of every block of a range: longer lists are a programming error. */
export const LOCKS_PER_REQUEST_MAX = 64;
/** Ids remembered after their end, so that a late or doubled message does nothing: two for every live request. */
export const FINISHED_MAX = 2 * REQUESTS_MAX;

export function emptyLockTable(epoch: number): LockTable {
  return { epoch, sequence: 0, nextTicket: 0, requests: [], finished: [] };
}

export function applyLockEvent(
  table: LockTable,
  event: LockEvent,
): { table: LockTable; effects: readonly LockEffect[] } {
  const draft = new Draft(table);
  switch (event.kind) {
    case 'request':
      draft.request(event);
      break;
    case 'release':
      draft.release(event.id, event.names);
      break;
    case 'expire':
      draft.expire(event.nowMs);
      break;
    case 'undeliverable':
      draft.end(event.id);
      break;
  }
  draft.promote();
  return { table: draft.table, effects: draft.effects };
}

/** The earliest moment at which an `expire` event would change anything; undefined when nobody waits with a deadline. */
export function nextDeadlineMs(table: LockTable): number | undefined {
  const deadlines = table.requests.flatMap((request) =>
    request.pending.length > 0 && request.deadlineMs !== undefined ? [request.deadlineMs] : [],
  );
  return deadlines.length > 0 ? Math.min(...deadlines) : undefined;
}

/** One event's worth of changes to a table. */
class Draft {
  table: LockTable;
  readonly effects: LockEffect[] = [];
  /** Locks whose queues may have a new head. */
  private readonly freed = new Set<LockName>();

  constructor(table: LockTable) {
    this.table = table;
  }

  request(event: Extract<LockEvent, { kind: 'request' }>): void {
    const { id, holder, purpose, locks, nowMs } = event;
    if (this.find(id) || this.table.finished.includes(id)) return;
    const request: LockRequestState = {
      id,
      holder,
      purpose,
      held: [],
      pending: locks,
      ticket: this.table.nextTicket,
      sinceMs: nowMs,
      ...(event.deadlineMs === undefined ? {} : { deadlineMs: event.deadlineMs }),
    };
    const refusal = this.refusalOf(locks);
    if (refusal) {
      this.remember(id);
      this.effects.push({ kind: 'deny', id, holder, purpose, ...refusal });
      return;
    }
    this.table = { ...this.table, nextTicket: request.ticket + 1, requests: [...this.table.requests, request] };
    this.advance(id);
  }

  release(id: string, names?: readonly LockName[]): void {
    const request = this.find(id);
    // A release may overtake its request: the tombstone keeps the late request from being granted to nobody.
    if (!request || !names) {
      this.end(id);
      return;
    }
    const kept = request.held.filter((lock) => !names.includes(lock.name));
    for (const lock of request.held) if (!kept.includes(lock)) this.freed.add(lock.name);
    if (kept.length === 0 && request.pending.length === 0) this.end(id);
    else this.replace({ ...request, held: kept });
  }

  expire(nowMs: number): void {
    for (const request of this.table.requests) {
      const wanted = request.pending[0];
      if (!wanted || request.deadlineMs === undefined || request.deadlineMs > nowMs) continue;
      const waitedS = Math.round((nowMs - request.sinceMs) / 1000);
      this.refuse(request, 'ETIMEDOUT', `waited ${String(waitedS)} s for ${wanted.name}; everything was given back`);
    }
  }

  /** Forgets request `id`, whatever it holds or waits for, and remembers that it has ended. */
  end(id: string): void {
    const request = this.find(id);
    if (request) {
      for (const lock of [...request.held, ...request.pending.slice(0, 1)]) this.freed.add(lock.name);
      this.table = { ...this.table, requests: this.table.requests.filter((other) => other.id !== id) };
    }
    this.remember(id);
  }

  /** Grants every lock that has become free to whoever is first in its queue, until nothing moves. */
  promote(): void {
    for (const name of this.freed) {
      this.freed.delete(name);
      for (const waiter of waitersOf(this.table, name)) {
        const request = this.find(waiter.id);
        if (request?.pending[0]?.name !== name) continue;
        if (!this.isGrantable(request)) break;
        this.advance(request.id);
      }
    }
  }

  /** Takes lock after lock for request `id` until all are held (grant) or one must be waited for. */
  private advance(id: string): void {
    let request = this.find(id);
    while (request && this.isGrantable(request)) {
      const [wanted, ...pending] = request.pending as [WantedLock, ...WantedLock[]];
      const sequence = this.table.sequence + 1;
      const held: HeldLock = { ...wanted, token: tokenOf(this.table.epoch, sequence) };
      const ticket = this.table.nextTicket;
      this.table = { ...this.table, sequence, nextTicket: ticket + 1 };
      request = { ...request, held: [...request.held, held], pending, ticket };
      this.replace(request);
    }
    if (!request) return;
    const { holder, purpose } = request;
    if (request.pending.length === 0) {
      this.effects.push({ kind: 'grant', id, holder, purpose, grants: request.held });
      return;
    }
    const cycle = findCycle(this.table, request);
    if (!cycle) return;
    const chains = cycle.map(
      (link) => `${link.purpose} holds ${link.holds.join(', ') || 'nothing'} and waits for ${link.waitsFor}`,
    );
    this.refuse(request, 'EDEADLK', `would close a wait-for cycle: ${chains.join('; ')}`, cycle);
  }

  private isGrantable(request: LockRequestState): boolean {
    const wanted = request.pending[0];
    if (!wanted) return false;
    const { name } = wanted;
    const ahead = waitersOf(this.table, name).filter(
      (other) => other.ticket < request.ticket && other.id !== request.id,
    );
    const inTheWay = [
      ...holdersOf(this.table, name).flatMap((holder) => holder.held.filter((lock) => lock.name === name)),
      ...ahead.flatMap((waiter) => waiter.pending.slice(0, 1)),
    ];
    return !inTheWay.some((lock) => conflicts(lock, wanted));
  }

  private refusalOf(
    locks: readonly WantedLock[],
  ): Pick<Extract<LockEffect, { kind: 'deny' }>, 'errno' | 'message'> | undefined {
    const names = new Set(locks.map((lock) => lock.name));
    if (names.size === 0 || names.size !== locks.length || locks.length > LOCKS_PER_REQUEST_MAX) {
      const limit = String(LOCKS_PER_REQUEST_MAX);
      return { errno: 'EINVAL', message: `a request names 1 to ${limit} different locks, not ${String(locks.length)}` };
    }
    if (this.table.requests.length >= REQUESTS_MAX) {
      const limit = String(REQUESTS_MAX);
      return { errno: 'ENOLCK', message: `${limit} requests hold or wait already; try again when some have ended` };
    }
    return undefined;
  }

  private refuse(
    request: LockRequestState,
    errno: 'EDEADLK' | 'ETIMEDOUT',
    message: string,
    cycle?: Extract<LockEffect, { kind: 'deny' }>['cycle'],
  ): void {
    const { id, holder, purpose } = request;
    this.end(id);
    this.effects.push({ kind: 'deny', id, holder, purpose, errno, message, ...(cycle ? { cycle } : {}) });
  }

  private find(id: string): LockRequestState | undefined {
    return this.table.requests.find((request) => request.id === id);
  }

  private replace(next: LockRequestState): void {
    const requests = this.table.requests.map((request) => (request.id === next.id ? next : request));
    this.table = { ...this.table, requests };
  }

  private remember(id: string): void {
    if (this.table.finished.includes(id)) return;
    this.table = { ...this.table, finished: [...this.table.finished, id].slice(-FINISHED_MAX) };
  }
}
