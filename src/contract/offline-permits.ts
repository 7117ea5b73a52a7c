/**
 * Messages between an offline and the cluster's permit entity. All are plain JSON and idempotent by run id. Only offlines of
 * an operator that has a limit send any.
 */
import type { LockHolder } from '../kernel/lock.ts';
import type { FoundPermit, PermitLimit, PermitRequest, PermitTable } from '../kernel/permit-table.ts';

export const OFFLINE_PERMITS_WORKFLOW = 'offlinePermits';

/** Signal, update and query names of the entity. */
export const PERMIT_MESSAGE_SIGNAL = 'permitMessage';
/** A request as an update: answered in the task that receives it; it never waits. */
export const REQUEST_PERMIT_UPDATE = 'requestPermit';
export const OFFLINE_PERMITS_QUERY = 'offlinePermits';
/** Signal and query of an offline that asks for a permit. */
export const PERMIT_GRANTED_SIGNAL = 'permitGranted';
export const OFFLINE_PERMIT_QUERY = 'offlinePermit';

export type PermitMessage =
  | { readonly kind: 'request'; readonly request: PermitRequest }
  /** Gives the permit back, or withdraws the request. */
  | { readonly kind: 'release'; readonly holder: LockHolder };

/** `pending`: the grant comes by signal. */
export type RequestPermitAnswer = { readonly kind: 'granted' } | { readonly kind: 'pending' };

/** Names the run: a run that was reset is handed the signals of the one before it. */
export interface PermitGranted {
  readonly runId: string;
}

/** What an offline answers when it is asked whether it holds a permit. `none`: it neither holds nor wants one. */
export type OfflinePermitState =
  | { readonly state: 'none' }
  | {
      readonly state: 'waiting' | 'held';
      readonly purpose: string;
      readonly sinceMs: number;
      readonly limit: PermitLimit;
    };

/** Durations that tests shorten. */
export interface PermitTimings {
  /** How long somebody waits before it is looked at whether the holders still live; then again, ever more rarely. */
  readonly livenessMs: number;
  readonly livenessMaxMs: number;
}

export const DEFAULT_PERMIT_TIMINGS: PermitTimings = { livenessMs: 5_000, livenessMaxMs: 60_000 };

/** Argument of the permit entity; the table is what it carries over when it continues as new. */
export interface OfflinePermitsInput {
  readonly cluster: string;
  readonly carried?: PermitTable;
  readonly timings?: Partial<PermitTimings>;
  /** History length after which the entity continues as new; the server's own suggestion counts as well. */
  readonly historyLengthMax?: number;
}

export interface PermitMessageInput {
  readonly cluster: string;
  readonly message: PermitMessage;
}

/** Run as local activities by the offline. Each starts the entity if it is not there; returns when the message is recorded. */
export interface PermitActivities {
  takePermit(input: PermitMessageInput): Promise<RequestPermitAnswer>;
  releasePermit(input: PermitMessageInput): Promise<void>;
}

/** Run by the operator on the locks queue. */
export interface PermitServiceActivities {
  /** Asks every offline of the cluster that runs whether it holds a permit, or waits for one. */
  findPermits(input: { readonly cluster: string; readonly runId: string }): Promise<readonly FoundPermit[]>;
  /** Which of the runs are closed, or unknown to the server: their run ids. */
  findClosedHolders(input: { readonly holders: readonly LockHolder[] }): Promise<readonly string[]>;
}
