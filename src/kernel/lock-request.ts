/** The words that the lock table is spoken to in. */
import type { Errno } from './errno.ts';
import type { HeldLock, LockHolder, LockName, WantedLock } from './lock.ts';
import type { LockdepReport } from './lockdep.ts';

/** One participant of a wait-for cycle. */
export interface WaitForLink extends LockHolder {
  readonly purpose: string;
  readonly holds: readonly LockName[];
  /** A lock; or, of an operation that waits for the answer of a plugin, who it is that the plugin asked for. */
  readonly waitsFor: string;
}

export type LockEvent = LockEventBody & {
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
};

/** The event by which a request arrives. */
export type LockRequested = Extract<LockEvent, { readonly kind: 'request' }>;
export type LockReleased = Extract<LockEvent, { readonly kind: 'release' }>;

export type LockEventBody =
  | {
      readonly kind: 'request';
      readonly id: string;
      readonly holder: LockHolder;
      /** For people: `online memory32`. */
      readonly purpose: string;
      /** Granted one by one in this order, holding while waiting. */
      readonly locks: readonly WantedLock[];
      /** When the whole request is withdrawn, should it still wait then. */
      readonly deadlineMs?: number;
      /** Refused with EBUSY where it would have to wait. */
      readonly tryLock?: boolean;
      /** Workflow id of the operation that waits until this requester is done: the one whose plugin asks. */
      readonly causedBy?: string;
    }
  /**
   * Gives back what request `id` holds and withdraws what it waits for; with `names`, gives back only those locks, which it
   * has been granted. `by`: the run that says so; unset: it is known otherwise.
   */
  | { readonly kind: 'release'; readonly id: string; readonly names?: readonly LockName[]; readonly by?: string }
  /** Time has passed: requests whose deadline lies at or before `nowMs` are withdrawn. */
  | { readonly kind: 'expire' }
  /**
   * The grant of request `id` found its run closed: it never learnt of it, so nothing can be in progress under it. Not for
   * a renewal, whose holder may have been at work: that is `closed`.
   */
  | { readonly kind: 'undeliverable'; readonly id: string }
  /** The run is known to be closed: what it waits for is withdrawn; what was granted to it waits to be settled. */
  | { readonly kind: 'closed'; readonly runId: string }
  /** Nothing is in progress any more under what was granted to a closed run: it is given back. */
  | { readonly kind: 'settled'; readonly runId: string }
  /** Nobody has heard from the holder of request `id`; without `reason`, it has returned. */
  | { readonly kind: 'suspect'; readonly id: string; readonly reason?: string }
  /** A table is rebuilt: request `id` was granted these locks. */
  | { readonly kind: 'adopt'; readonly id: string; readonly grants: readonly HeldLock[] }
  /** Begins to grant, in `epoch`. A new epoch renews the token of every lock that is held. */
  | { readonly kind: 'open'; readonly epoch: number };

/** A request that is answered. */
export interface Addressee {
  readonly id: string;
  readonly holder: LockHolder;
  readonly purpose: string;
}

export type LockEffect =
  | (Addressee & {
      readonly kind: 'grant';
      readonly grants: readonly HeldLock[];
      /** The holder has them already and is told new tokens. */
      readonly isRenewal: boolean;
    })
  | (Addressee & {
      readonly kind: 'deny';
      readonly errno: Errno;
      readonly message: string;
      readonly cycle?: readonly WaitForLink[];
    })
  /** An order that can deadlock was seen for the first time. */
  | { readonly kind: 'lockdep'; readonly report: LockdepReport }
  /** For metrics. */
  | { readonly kind: 'acquired'; readonly lock: WantedLock; readonly waitMs: number }
  | { readonly kind: 'released'; readonly lock: WantedLock; readonly holdMs: number };
