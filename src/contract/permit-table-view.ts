/** The permits of the fleet as people and programs read them: how many there are, who has them and who waits. */
import type { LockHolder } from '../kernel/lock.ts';
import type { PermitEntry, PermitTable } from '../kernel/permit-table.ts';

export interface PermitParty extends LockHolder {
  readonly purpose: string;
  /** RFC 3339: since when it has waited, or held. */
  readonly since: string;
  /** It does not answer: presumed to hold a permit until it asks for one or has ended. */
  readonly isPresumed?: boolean;
}

/** Answer of the entity's query. */
export interface PermitTableView {
  /** How many offlines may be under way at a time. */
  readonly limit: number;
  /** Nothing is granted until it is known who holds a permit. */
  readonly isRecovering: boolean;
  readonly holders: readonly PermitParty[];
  /** First come first. */
  readonly waiters: readonly PermitParty[];
}

/** Rows of 200 characters: 64 of them are 13 kB, and the server takes 20 kB. */
const ROWS_MAX = 64;
const PURPOSE_LENGTH_MAX = 120;

export function viewPermitTable({ limit, isRecovering, entries }: PermitTable): PermitTableView {
  const parties = (held: boolean) => entries.filter(({ isHeld }) => isHeld === held).map(partyOf);
  return { limit: limit.max, isRecovering, holders: parties(true), waiters: parties(false) };
}

function partyOf({ holder, purpose, sinceMs, isPresumed }: PermitEntry): PermitParty {
  const since = new Date(sinceMs).toISOString();
  return { ...holder, purpose, since, ...(isPresumed ? { isPresumed } : {}) };
}

/** Markdown for the Temporal UI. */
export function describePermitTable({ limit, isRecovering, holders, waiters }: PermitTableView): string {
  const many = limit === 1 ? 'one offline' : `${String(limit)} offlines`;
  const figures = `${String(holders.length)} under way, ${String(waiters.length)} waiting`;
  const rows = [
    ...holders.map((party) => rowOf(party, party.isPresumed ? 'does not answer' : 'under way')),
    ...waiters.map((party) => rowOf(party, 'waiting')),
  ];
  const more = rows.length - ROWS_MAX;
  return [
    ...(limit === 0 ? ['Nobody has asked for a permit yet.'] : [`At most ${many} at a time: ${figures}.`]),
    ...(isRecovering ? ['Recovering: nothing is granted until all offlines that run have said what they hold.'] : []),
    ...(rows.length > 0
      ? [['| offline | | since |', '| --- | --- | --- |', ...rows.slice(0, ROWS_MAX)].join('\n')]
      : []),
    ...(more > 0 ? [`and ${String(more)} more`] : []),
  ].join('\n\n');
}

function rowOf({ purpose, since }: PermitParty, state: string): string {
  // A bar would begin another column.
  return `| ${purpose.slice(0, PURPOSE_LENGTH_MAX).replaceAll('|', '\\|')} | ${state} | ${since} |`;
}
