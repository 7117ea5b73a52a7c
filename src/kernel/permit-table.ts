/**
 * Who may take memory offline now, in the whole fleet: a counting semaphore as a pure reducer; event in, next table and
 * grants out.
 *
 * Guarantees, each a property test: nothing is granted beyond the limit in force; permits are granted in order of arrival;
 * nobody who waits is forgotten, and nobody waits while a permit is free; every event is idempotent by run id, in any order of
 * arrival; a run that has withdrawn, or given its permit back, is granted nothing.
 */
import type { LockHolder } from './lock.ts';

/** At most `max` at a time, as was decided at `asOfMs` (ms since the epoch). Of two limits the newer one is in force. */
export interface PermitLimit {
  readonly max: number;
  readonly asOfMs: number;
}

/** A run asks for at most one permit, so its run id identifies the request. */
export interface PermitRequest {
  readonly holder: LockHolder;
  /** For people: `offline memory32 of worker-1`. */
  readonly purpose: string;
  readonly limit: PermitLimit;
}

export interface PermitEntry {
  readonly holder: LockHolder;
  readonly purpose: string;
  /** Since when it has waited, or held; ms since the epoch. */
  readonly sinceMs: number;
  readonly isHeld: boolean;
  /** It could not be asked whether it holds a permit: counted as if it did. */
  readonly isPresumed?: boolean;
}

/** What a run says of itself to an entity that knows nothing; without a limit, it did not answer. */
export interface FoundPermit extends Omit<PermitEntry, 'isPresumed'> {
  readonly limit?: PermitLimit;
}

/** Plain JSON, so that the entity can carry it over when it continues as new. */
export interface PermitTable {
  readonly limit: PermitLimit;
  /** Nothing is granted: who holds a permit is not known yet. */
  readonly isRecovering: boolean;
  /** In order of arrival. */
  readonly entries: readonly PermitEntry[];
  /** Run ids of those that have given back or withdrawn: what they asked before may arrive late. */
  readonly finished: readonly string[];
}

export type PermitEvent =
  | ({ readonly kind: 'request'; readonly nowMs: number } & PermitRequest)
  /** Given back, withdrawn, or its run is closed. */
  | { readonly kind: 'release'; readonly runId: string; readonly nowMs: number }
  /** What was found out about the runs that were there before the entity. */
  | { readonly kind: 'open'; readonly found: readonly FoundPermit[]; readonly nowMs: number };

/** A table that grants nothing until it is opened. */
export const EMPTY_PERMIT_TABLE: PermitTable = {
  limit: { max: 0, asOfMs: 0 },
  isRecovering: true,
  entries: [],
  finished: [],
};

/**
 * An entry is some 400 bytes of JSON, so a full table is a little over 0.8 MB: below the 2 MiB that the server takes as the
 * argument of a run that continues as new. What comes beyond is not noted; who waits asks again.
 */
export const PERMIT_ENTRIES_MAX = 2_048;
/** Of a limit: so many holders leave room for as many that wait, and are asked within seconds whether they live. */
export const PERMIT_LIMIT_MAX = 1_000;
/** A message that comes after a later one of the same run does so within seconds; so many offlines do not end in a minute. */
export const PERMITS_FINISHED_MAX = 1_024;

export interface AppliedPermitEvent {
  readonly table: PermitTable;
  /** Whom to tell, in order. Somebody who asks again for what it has is told again. */
  readonly granted: readonly LockHolder[];
}

export function applyPermitEvent(table: PermitTable, event: PermitEvent): AppliedPermitEvent {
  switch (event.kind) {
    case 'request':
      return request(table, event);
    case 'release':
      return grant(released(table, event.runId), event.nowMs);
    case 'open':
      return grant(opened(table, event.found), event.nowMs);
  }
}

export function isPermitHeld({ entries, isRecovering }: PermitTable, runId: string): boolean {
  return !isRecovering && entries.some(({ holder, isHeld }) => isHeld && holder.runId === runId);
}

/** Whether somebody waits. */
export function isPermitAwaited({ entries }: PermitTable): boolean {
  return entries.some(({ isHeld }) => !isHeld);
}

function request(table: PermitTable, { holder, purpose, limit, nowMs }: Extract<PermitEvent, { kind: 'request' }>) {
  if (table.finished.includes(holder.runId)) return { table, granted: [] };
  const next = { ...table, limit: newer(table.limit, limit) };
  const known = table.entries.find((entry) => entry.holder.runId === holder.runId);
  if (known?.isPresumed) return grant({ ...next, entries: table.entries.map((entry) => asking(entry, holder)) }, nowMs);
  if (known) {
    const applied = grant(next, nowMs);
    return isPermitHeld(table, holder.runId) ? { ...applied, granted: [holder, ...applied.granted] } : applied;
  }
  if (table.entries.length >= PERMIT_ENTRIES_MAX) return grant(next, nowMs);
  const arrived: PermitEntry = { holder, purpose, sinceMs: nowMs, isHeld: false };
  return grant({ ...next, entries: [...table.entries, arrived] }, nowMs);
}

/** Who asks has no permit, whatever was presumed. It keeps its place. */
function asking(entry: PermitEntry, { runId }: LockHolder): PermitEntry {
  const { holder, purpose, sinceMs } = entry;
  return holder.runId === runId ? { holder, purpose, sinceMs, isHeld: false } : entry;
}

function released(table: PermitTable, runId: string): PermitTable {
  const finished = [...table.finished.filter((other) => other !== runId), runId].slice(-PERMITS_FINISHED_MAX);
  return { ...table, finished, entries: table.entries.filter(({ holder }) => holder.runId !== runId) };
}

/** Those found come first, as they were there first; who has asked meanwhile and was not found comes after them. */
function opened(table: PermitTable, found: readonly FoundPermit[]): PermitTable {
  const asked = new Set(table.entries.map(({ holder }) => holder.runId));
  const before = found
    .filter(({ holder }) => !table.finished.includes(holder.runId))
    .map((one) => entryOf(one, asked))
    .sort((a, b) => a.sinceMs - b.sinceMs);
  const runIds = new Set(before.map(({ holder }) => holder.runId));
  const limit = found.reduce((known, one) => (one.limit ? newer(known, one.limit) : known), table.limit);
  const since = table.entries.filter(({ holder }) => !runIds.has(holder.runId));
  return { ...table, limit, isRecovering: false, entries: fitting([...before, ...since]) };
}

/** All that are held, and the first of those that wait. */
function fitting(entries: readonly PermitEntry[]): readonly PermitEntry[] {
  const places = PERMIT_ENTRIES_MAX - entries.filter(({ isHeld }) => isHeld).length;
  const waiting = new Set(entries.filter(({ isHeld }) => !isHeld).slice(0, Math.max(0, places)));
  return entries.filter((entry) => entry.isHeld || waiting.has(entry));
}

function entryOf({ limit, ...entry }: FoundPermit, asked: ReadonlySet<string>): PermitEntry {
  if (limit) return entry;
  return asked.has(entry.holder.runId) ? { ...entry, isHeld: false } : { ...entry, isHeld: true, isPresumed: true };
}

/** Grants what is free, to those who wait longest. */
function grant(table: PermitTable, nowMs: number): AppliedPermitEvent {
  if (table.isRecovering) return { table, granted: [] };
  const free = table.limit.max - table.entries.filter(({ isHeld }) => isHeld).length;
  const granted = table.entries.filter(({ isHeld }) => !isHeld).slice(0, Math.max(0, free));
  const entries = table.entries.map((entry) =>
    granted.includes(entry) ? { ...entry, isHeld: true, sinceMs: nowMs } : entry,
  );
  return { table: { ...table, entries }, granted: granted.map(({ holder }) => holder) };
}

/** Of one moment the smaller one, so that the order of arrival does not matter. */
function newer(known: PermitLimit, other: PermitLimit): PermitLimit {
  if (other.asOfMs !== known.asOfMs) return other.asOfMs > known.asOfMs ? other : known;
  return other.max < known.max ? other : known;
}
