/** Which epoch a run of the lock entity grants in. A fencing token of a later epoch is always the higher one. */

/** What NodeMemory.status.lockService records. */
export interface LockServiceRecord {
  readonly epoch: number;
  readonly runId: string;
}

export interface LockServiceClaim {
  readonly runId: string;
  /** The run that this one continues with all its state; unset in the first run of a chain. */
  readonly previousRunId?: string;
  /** Epoch of the carried state. */
  readonly epoch?: number;
}

/**
 * The record to write for `claim`, given what is `recorded`. The epoch stays the same when the claimer is the recorded
 * run, or continues it; in every other case (created anew, reset, the record lost) it is higher than any known.
 */
export function claimEpoch(recorded: LockServiceRecord | undefined, claim: LockServiceClaim): LockServiceRecord {
  const continues = recorded !== undefined && [claim.runId, claim.previousRunId].includes(recorded.runId);
  const epoch = continues ? recorded.epoch : Math.max(recorded?.epoch ?? 0, claim.epoch ?? 0) + 1;
  return { epoch, runId: claim.runId };
}
