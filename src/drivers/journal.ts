/** What was answered to which step, so that a repeated activity gets the same answer and nothing is done twice. */
import type { DriverCall, DriverOperation, DriverResult, DriverStep } from '../contract/driver.ts';
import type { LockName } from '../kernel/lock.ts';

export interface Journal {
  /** Oldest first. */
  readonly journal: readonly JournalEntry[];
}

export interface JournalEntry {
  readonly runId: string;
  readonly operation: DriverOperation;
  readonly step: DriverStep;
  readonly blockId?: number;
  readonly tokens: Readonly<Record<LockName, number>>;
  readonly result: DriverResult;
}

/**
 * An entry is needed for as long as its step may be repeated: by the run that holds device_hotplug_lock, of which there
 * is one. Its longest is the add of one DIMM: a step per block and three for the range. 1024 entries hold a DIMM of 1021
 * blocks (127 GiB of 128 MiB blocks), or hundreds of onlines and offlines. A step repeated after its entry has gone
 * changes nothing either: it finds its block in another state, or its tokens overtaken.
 */
export const JOURNAL_ENTRIES_MAX = 1024;

export function findEntry({ journal }: Journal, call: DriverCall): JournalEntry | undefined {
  return journal.findLast(
    (entry) =>
      entry.runId === call.owner.runId &&
      entry.operation === call.operation &&
      entry.step === call.step &&
      entry.blockId === call.blockId,
  );
}

/** Whether `call` carries exactly the tokens that `entry` was made with. */
export function hasSameTokens(entry: JournalEntry, call: DriverCall): boolean {
  const names = Object.keys(call.tokens);
  return (
    names.length === Object.keys(entry.tokens).length && names.every((name) => entry.tokens[name] === call.tokens[name])
  );
}

export function recordEntry<State extends Journal>(state: State, call: DriverCall, result: DriverResult): State {
  const entry: JournalEntry = {
    runId: call.owner.runId,
    operation: call.operation,
    step: call.step,
    ...(call.blockId === undefined ? {} : { blockId: call.blockId }),
    tokens: call.tokens,
    result,
  };
  return { ...state, journal: [...state.journal, entry].slice(-JOURNAL_ENTRIES_MAX) };
}
