/** Which epoch a run of the lock entity grants in. A fencing token of a later epoch is always the higher one. */
import { EPOCH_MAX } from './token.ts';

/**
 * How far the node may be ahead of all that is recorded. It is ahead where the record was lost or put back to an older one, by
 * as many epochs as have begun since. Each takes somebody who terminates, resets or disproves the lock entity, so a thousand is
 * more than years bring; and epochs come to an end, which a node that says what it likes must not reach in one step.
 */
export const FLOOR_STEP_MAX = 1_000;

/** What NodeMemory.status.lockService records. */
export interface LockServiceRecord {
  readonly epoch: number;
  readonly runId: string;
  /** Earlier runs, oldest first, whose grants this run has not taken over yet. */
  readonly recovers?: readonly string[];
  /** The node had seen tokens when nobody knew who had granted them; they are not settled yet. */
  readonly isPredecessorLost?: boolean;
}

export interface LockServiceClaim {
  readonly runId: string;
  /** The run that this one continues with all its state; unset in the first run of a chain. */
  readonly previousRunId?: string;
  /** Epoch of the carried state. */
  readonly epoch?: number;
  /** The node has seen tokens that this run cannot account for: its server was put back to an earlier moment. */
  readonly isDisproved?: boolean;
}

/**
 * The record to write for `claim`, given what is `recorded`. The epoch stays the same when the claimer is the recorded
 * run, or continues it; in every other case (created anew, reset, disproved, the record lost or put back) it is higher than
 * any known. What a disproved run has forgotten to have granted is settled like what a lost predecessor granted.
 *
 * `floor` is the highest epoch that the node itself has seen; 0: none. Where the record was lost, it alone keeps tokens
 * increasing.
 */
export function claimEpoch(
  recorded: LockServiceRecord | undefined,
  claim: LockServiceClaim,
  floor: number,
): LockServiceRecord {
  const { runId, previousRunId, epoch: carried = 0, isDisproved = false } = claim;
  const continues = recorded !== undefined && [runId, previousRunId].includes(recorded.runId);
  const known = Math.max(recorded?.epoch ?? 0, carried, floor);
  if (isDisproved) return { epoch: known + 1, runId, isPredecessorLost: true };
  const epoch = continues && known === recorded.epoch ? known : known + 1;
  // Whoever carries a later epoch than the record has all that was granted in it.
  if (recorded !== undefined && recorded.epoch < carried) return { epoch, runId };
  if (recorded === undefined) {
    const isPredecessorLost = previousRunId === undefined && floor > 0;
    return { epoch, runId, ...(isPredecessorLost ? { isPredecessorLost } : {}) };
  }
  const recovers = [...(recorded.recovers ?? []), ...(continues ? [] : [recorded.runId])];
  return {
    epoch,
    runId,
    ...(recovers.length > 0 ? { recovers } : {}),
    ...(recorded.isPredecessorLost ? { isPredecessorLost: true } : {}),
  };
}

/** Why no epoch may be claimed; undefined: `claimEpoch` says which. */
export function whyRefused(
  recorded: LockServiceRecord | undefined,
  claim: LockServiceClaim,
  floor: number,
): string | undefined {
  const known = Math.max(recorded?.epoch ?? 0, claim.epoch ?? 0);
  if (isTooFarAhead(floor, known)) {
    return `the node is said to have seen epoch ${String(floor)}, and no later one than ${String(known)} is known of`;
  }
  return claimEpoch(recorded, claim, floor).epoch > EPOCH_MAX ? 'the last epoch has been used' : undefined;
}

/**
 * The record to write when everything that was granted until now is to be settled, whoever claims next: the recorded run itself
 * as well, should it go on.
 */
export function disownedRecord({ recovers, ...recorded }: LockServiceRecord, floor: number): LockServiceRecord {
  // Whoever claims next is told of a floor that cannot be; nothing was granted in its epochs.
  const epoch = Math.max(recorded.epoch, isTooFarAhead(floor, recorded.epoch) ? 0 : floor) + 1;
  return { epoch, runId: recorded.runId, ...(recovers ? { recovers } : {}), isPredecessorLost: true };
}

function isTooFarAhead(floor: number, known: number): boolean {
  return floor > known + FLOOR_STEP_MAX;
}
