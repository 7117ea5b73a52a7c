/** Messages between an operation workflow and its node's lock entity. All are plain JSON and idempotent by request id. */
import type { Errno } from '../kernel/errno.ts';
import type { HeldLock, LockHolder, LockMode, LockName, WaitForLink, WantedLock } from '../kernel/lock-request.ts';

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
}

export interface LockRequest {
  /** `<runId>/<sequence>`. */
  readonly id: string;
  readonly locks: readonly WantedLock[];
  /** The lock entity withdraws the whole request after this and answers ETIMEDOUT. Unset: waits for ever. */
  readonly timeoutMs?: number;
}

/** Gives back what request `id` holds and withdraws what it waits for; with `names`, only those locks. */
export interface LockRelease {
  readonly id: string;
  readonly names?: readonly LockName[];
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

/** Signal and query names. */
export const LOCK_MESSAGE_SIGNAL = 'lockMessage';
export const LOCK_GRANTED_SIGNAL = 'lockGranted';
export const LOCK_DENIED_SIGNAL = 'lockDenied';
export const LOCK_TABLE_QUERY = 'lockTable';

export interface LockParty extends LockHolder {
  readonly purpose: string;
  readonly mode: LockMode;
  /** RFC 3339: since when it has waited, or held. */
  readonly since: string;
  /** Of a holder. */
  readonly token?: number;
}

/** Answer of the lock entity's query. */
export interface LockTableView {
  readonly node: string;
  readonly epoch: number;
  readonly locks: readonly {
    readonly name: LockName;
    readonly holders: readonly LockParty[];
    readonly waiters: readonly LockParty[];
  }[];
}
