/** Messages between an operation workflow and its node's lock entity. All are plain JSON and idempotent by request id. */
import type { Errno } from '../kernel/errno.ts';
import type { LockClass, LockdepReport } from '../kernel/lockdep.ts';
import type { WaitForLink } from '../kernel/lock-request.ts';
import type { HeldLock, LockHolder, LockMode, LockName, WantedLock } from '../kernel/lock.ts';

/**
 * One message: releases come first, then the request. Locks are granted one by one in the order of `locks`, holding
 * while waiting; one grant message is sent when all are held.
 */
export interface LockMessage {
  readonly holder: LockHolder;
  /** For people: `online memory32`. */
  readonly purpose: string;
  readonly release?: readonly LockRelease[];
  readonly request?: LockRequest;
  readonly suspect?: SuspectedHolder;
}

export interface LockRequest {
  /** Unique over all runs; opaque. */
  readonly id: string;
  readonly locks: readonly WantedLock[];
  /** The lock entity withdraws the whole request after this and answers ETIMEDOUT. Unset: waits for ever. */
  readonly timeoutMs?: number;
  /** Refused with EBUSY where it would have to wait. */
  readonly tryLock?: boolean;
  /**
   * Workflow id of the operation whose plugin makes this request. That operation waits for the plugin; were the plugin to
   * wait for the operation's locks, both would wait for ever: EDEADLK.
   */
  readonly causedBy?: string;
}

/**
 * How much longer than `timeoutMs` a requester waits before it gives up by itself: the entity decides about time, so this
 * only ends a wait for an entity that was lost together with its history.
 */
export const REQUEST_GRACE_MS = 60_000;

/** What holds the locks of request `id` is not heard of; without `reason`, it has returned. The locks stay held. */
export interface SuspectedHolder {
  readonly id: string;
  readonly reason?: string;
}

/**
 * Gives back what request `id` holds and withdraws what it waits for; with `names`, gives back only those of the locks that it
 * was granted.
 */
export interface LockRelease {
  readonly id: string;
  readonly names?: readonly LockName[];
  /** The node refused this token, which was held: it has seen a later one, or settled it. */
  readonly refused?: RefusedToken;
}

export interface RefusedToken {
  readonly name: LockName;
  readonly token: number;
}

export interface LockGranted {
  readonly id: string;
  readonly grants: readonly HeldLock[];
}

export interface LockDenied {
  readonly id: string;
  readonly errno: Errno;
  readonly message: string;
  /** Of EDEADLK: the cycle that granting would close, the refused request first. */
  readonly cycle?: readonly WaitForLink[];
}

/** Signal, query and update names. */
export const LOCK_MESSAGE_SIGNAL = 'lockMessage';
export const LOCK_GRANTED_SIGNAL = 'lockGranted';
export const LOCK_DENIED_SIGNAL = 'lockDenied';
export const LOCK_TABLE_QUERY = 'lockTable';
export const RELEASE_LOCK_UPDATE = 'releaseLock';
/**
 * A message with a request, as an update: answered in the task that receives it. It never waits, so it does not fill the
 * server's places for updates in flight.
 */
export const REQUEST_LOCKS_UPDATE = 'requestLocks';

/** `pending`: the answer, whatever it is, comes by signal. */
export type RequestLocksAnswer = ({ readonly kind: 'granted' } & LockGranted) | { readonly kind: 'pending' };

/** A human takes a lock away from its holder. Refused when `token` is not the token of a present holder. */
export interface ReleaseLockInput {
  readonly lock: LockName;
  readonly token: number;
  /** Who and why: both are kept in the history and told by an event. */
  readonly by: string;
  readonly reason: string;
  /** Does not make sure first that the node has stopped to work for the holder. */
  readonly isUnsafe: boolean;
}

export interface ReleaseLockResult {
  /** Of the request whose lock it was. */
  readonly id: string;
  readonly lock: LockName;
  readonly holder: LockHolder;
  readonly purpose: string;
  /** Whether the node's agent has settled the token. */
  readonly isSettled: boolean;
}

export interface LockParty extends LockHolder {
  readonly purpose: string;
  readonly mode: LockMode;
  /** RFC 3339: since when it has waited, or held. */
  readonly since: string;
  /** Of a holder. */
  readonly token?: number;
  /** Its workflow has ended without giving the lock back; held until the node's agent has settled the token. */
  readonly isClosed?: boolean;
  /** Why it is not certain that the holder lives. */
  readonly suspect?: string;
}

/** Answer of the lock entity's query. */
export interface LockTableView {
  readonly node: string;
  readonly epoch: number;
  /** Nothing is granted until it is known what earlier runs granted. */
  readonly isRecovering: boolean;
  readonly locks: readonly {
    readonly name: LockName;
    readonly holders: readonly LockParty[];
    readonly waiters: readonly LockParty[];
  }[];
  /** Every order of lock classes ever seen: `to` was asked for while `from` was held. */
  readonly orders: readonly { readonly from: LockClass; readonly to: LockClass }[];
  readonly lockdep: readonly LockdepReport[];
  /** Why closed holders could not be settled yet. */
  readonly unsettled?: string;
  /** Why there is no epoch to grant in, and what to do. */
  readonly refused?: string;
}
