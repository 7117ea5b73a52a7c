/** The words that the lock table is spoken to in. */
import type { Errno } from './errno.ts';

export type LockName = string;
export type LockMode = 'read' | 'write';

export interface WantedLock {
  readonly name: LockName;
  readonly mode: LockMode;
}

export interface HeldLock extends WantedLock {
  readonly token: number;
}

/** A workflow run. The run id alone identifies it; the workflow id is where it can be reached. */
export interface LockHolder {
  readonly workflowId: string;
  readonly runId: string;
}

/** One participant of a wait-for cycle. */
export interface WaitForLink extends LockHolder {
  readonly purpose: string;
  readonly holds: readonly LockName[];
  readonly waitsFor: LockName;
}

export type LockEvent =
  | {
      readonly kind: 'request';
      readonly id: string;
      readonly holder: LockHolder;
      /** For people: `online memory32`. */
      readonly purpose: string;
      /** Granted one by one in this order, holding while waiting. */
      readonly locks: readonly WantedLock[];
      readonly nowMs: number;
      /** When the whole request is withdrawn, should it still wait then. */
      readonly deadlineMs?: number;
    }
  /** Gives back what request `id` holds and withdraws what it waits for; with `names`, only those locks. */
  | { readonly kind: 'release'; readonly id: string; readonly names?: readonly LockName[] }
  /** Time has passed: requests whose deadline lies at or before `nowMs` are withdrawn. */
  | { readonly kind: 'expire'; readonly nowMs: number }
  /** The grant of request `id` found its run closed: it never learnt of it, so nothing can be in progress under it. */
  | { readonly kind: 'undeliverable'; readonly id: string };

export type LockEffect =
  | {
      readonly kind: 'grant';
      readonly id: string;
      readonly holder: LockHolder;
      readonly purpose: string;
      readonly grants: readonly HeldLock[];
    }
  | {
      readonly kind: 'deny';
      readonly id: string;
      readonly holder: LockHolder;
      readonly purpose: string;
      readonly errno: Errno;
      readonly message: string;
      readonly cycle?: readonly WaitForLink[];
    };
