/**
 * A small world around the lock table, of which every state can be visited: runs that follow scripts, a network that
 * delivers messages in any order, late and doubled, and a lock entity that may be lost and is rebuilt from its history.
 * A run behaves as `workflows/lock-client.ts` does, the entity as `workflows/lock-entity.ts`.
 */
import type { LockTable } from '../../src/kernel/lock-queue.ts';
import type { LockEvent } from '../../src/kernel/lock-request.ts';
import type { HeldLock, WantedLock } from '../../src/kernel/lock.ts';
import { applyLockEvent } from '../../src/kernel/lock-table.ts';
import { rebuildLockTable } from '../../src/kernel/rebuild-lock-table.ts';

/** What a run does next. After the last step it gives back everything and ends. */
export type Step =
  | {
      readonly take: readonly WantedLock[];
      readonly tryLock?: boolean;
      readonly causedBy?: string;
      readonly isTimed?: boolean;
    }
  /** Gives back `names` of its `nth` request. */
  | { readonly give: readonly string[]; readonly of: number };

export interface Faults {
  /** Messages delivered twice. */
  readonly doubled: number;
  /** Runs terminated: what they sent may or may not arrive. */
  readonly terminated: number;
  /** Lock entities lost with all their state but the history. */
  readonly lost: number;
  /** Runs that are cancelled while they wait. */
  readonly cancelled: number;
}

/** The code under test; replaced by broken versions to show that the exploration finds them. */
export interface Reducer {
  readonly apply: typeof applyLockEvent;
  readonly rebuild: typeof rebuildLockTable;
  /** A denial counts as an answer when it is sent, not when it is known to have arrived. */
  readonly trustsSentDenials?: boolean;
}

export const REDUCER: Reducer = { apply: applyLockEvent, rebuild: rebuildLockTable };

export interface Run {
  readonly step: number;
  readonly status: 'running' | 'ended' | 'terminated';
  readonly waitsFor?: string;
  /** What it was granted and has not given back; of a terminated run: under which work may be in progress on the node. */
  readonly taken: Readonly<Record<string, readonly HeldLock[]>>;
}

export interface Message {
  readonly from: number;
  readonly events: readonly LockEvent[];
}

export interface Answer {
  readonly to: number;
  readonly id: string;
  readonly era: number;
  /** Unset: a denial. */
  readonly grants?: readonly HeldLock[];
  readonly isRenewal: boolean;
}

export interface World {
  readonly table: LockTable;
  /** What could be rebuilt from the history now. */
  readonly history: LockTable;
  readonly era: number;
  readonly runs: readonly Run[];
  readonly messages: readonly Message[];
  readonly answers: readonly Answer[];
  readonly faults: Faults;
  readonly highestToken: number;
}

/** Worlds with the same key have the same future: only the order of tickets and tokens counts, not their values. */
export function keyOf({ table, history, era, runs, messages, answers, faults }: World): string {
  const tokens = new Map<number, number>();
  const all = [table, history].flatMap(({ requests }) =>
    requests.flatMap(({ held }) => held.map(({ token }) => token)),
  );
  const known = [
    ...all,
    ...runs.flatMap(({ taken }) => Object.values(taken).flatMap((locks) => locks.map(({ token }) => token))),
    ...answers.flatMap(({ grants = [] }) => grants.map(({ token }) => token)),
  ];
  for (const token of [...new Set(known)].sort((a, b) => a - b)) tokens.set(token, tokens.size);
  const locks = (held: readonly HeldLock[]): string =>
    held.map(({ name, mode, token }) => `${name}${mode}${String(tokens.get(token))}`).join();
  return JSON.stringify([
    keyOfTable(table, locks),
    keyOfTable(history, locks),
    runs.map(({ step, status, waitsFor, taken }) => [
      step,
      status,
      waitsFor,
      Object.entries(taken).map(([id, held]) => [id, locks(held)]),
    ]),
    messages.map((message) => JSON.stringify(message)).sort(),
    answers
      .map(({ id, grants, era: sentIn, isRenewal }) =>
        [id, grants ? locks(grants) : 0, sentIn === era, isRenewal].join(),
      )
      .sort(),
    Object.values(faults),
  ]);
}

function keyOfTable(
  { requests, finished, closedRuns }: LockTable,
  locks: (held: readonly HeldLock[]) => string,
): unknown {
  const waiting = requests.filter(({ pending }) => pending.length > 0).sort((a, b) => a.ticket - b.ticket);
  return [
    requests.map(({ id, held, pending, isClosed }) => [id, locks(held), pending.length, isClosed]),
    waiting.map(({ id }) => id),
    finished.toSorted(),
    closedRuns.toSorted(),
  ];
}
