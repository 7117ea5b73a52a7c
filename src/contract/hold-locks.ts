/** A person's use of a node's locks: `memhp lock` starts workflow `holdLocks`, which has the command line run a command. */
import type { Errno } from '../kernel/errno.ts';
import type { WantedLock } from '../kernel/lock.ts';

export const HOLD_LOCKS_WORKFLOW = 'holdLocks';

export interface HoldLocksInput {
  readonly cluster: string;
  readonly node: string;
  /** Taken one after the other, in this order. */
  readonly locks: readonly WantedLock[];
  /** For people: whose command, where, and which. */
  readonly purpose: string;
  /** Of the one process that runs the command. */
  readonly taskQueue: string;
  /** How long to wait for the locks, then ETIMEDOUT. Unset: for ever. */
  readonly timeoutMs?: number;
  /** EBUSY where it would have to wait. */
  readonly tryLock?: boolean;
  /** Workflow id of the operation that waits for this one, where a notifier plugin asks: EDEADLK for the locks it holds. */
  readonly causedBy?: string;
  /** A process that is silent for so long is suspect. */
  readonly suspectAfterMs: number;
}

export type HoldLocksOutcome =
  /** The command has ended, the locks are given back. `status` as a shell tells it: 128 + n for signal n. */
  | { readonly kind: 'ended'; readonly status: number }
  /** The locks could not be had; the command was not run. */
  | { readonly kind: 'refused'; readonly errno: Errno; readonly message: string }
  /** Somebody cancelled the workflow while the process was not heard of: the locks are given back, whatever it does. */
  | { readonly kind: 'abandoned' };

/** Run by the process that started the workflow, on its own queue. */
export interface HolderActivities {
  /**
   * Runs the command, or goes on waiting for it where it runs already: it is never run twice. Returns its exit status.
   * Cancellation ends the command.
   */
  runCommand(): Promise<number>;
  /** Does nothing: whoever carries it out is there. */
  answer(): Promise<void>;
}
