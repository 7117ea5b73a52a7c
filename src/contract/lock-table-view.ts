/** A lock table as people and programs read it: who holds and who waits, lock by lock. */
import { holdersOf, waitersOf, type LockRequestState, type LockTable } from '../kernel/lock-queue.ts';
import type { LockName } from '../kernel/lock.ts';
import type { LockParty, LockTableView } from './locks.ts';

export function viewLockTable(
  node: string,
  table: LockTable,
  { unsettled, refused }: Partial<Record<'unsettled' | 'refused', string | undefined>> = {},
): LockTableView {
  const names = new Set(
    table.requests.flatMap((request) => [...request.held, ...request.pending.slice(0, 1)].map((lock) => lock.name)),
  );
  const locks = [...names].sort().map((name) => ({
    name,
    holders: holdersOf(table, name).map((request) => partyOf(request, name)),
    waiters: waitersOf(table, name).map((request) => partyOf(request, name)),
  }));
  const pairs = table.lockdep.orders.map(({ from, to }) => [`${from} ${to}`, { from, to }] as const);
  return {
    node,
    epoch: table.epoch,
    isRecovering: table.isRecovering,
    locks,
    orders: [...new Map(pairs).values()],
    lockdep: table.lockdep.reports,
    ...(unsettled === undefined ? {} : { unsettled }),
    ...(refused === undefined ? {} : { refused }),
  };
}

function partyOf(request: LockRequestState, name: LockName): LockParty {
  const held = request.held.find((lock) => lock.name === name);
  const mode = held?.mode ?? request.pending[0]?.mode ?? 'write';
  return {
    ...request.holder,
    purpose: request.purpose,
    mode,
    since: new Date(held?.sinceMs ?? request.sinceMs).toISOString(),
    ...(held ? { token: held.token } : {}),
    ...(request.isClosed ? { isClosed: true } : {}),
    ...(request.suspect === undefined ? {} : { suspect: request.suspect }),
  };
}

/** Markdown for the Temporal UI. */
export function describeLockTable(view: LockTableView): string {
  return [tableOf(view), ...notesOn(view)].join('\n\n');
}

function tableOf({ node, epoch, locks }: LockTableView): string {
  if (locks.length === 0) return `No lock of ${node} is held (epoch ${String(epoch)}).`;
  const rows = locks.map(({ name, holders, waiters }) => {
    const held = holders
      .map((party) => `${describe(party)}, token ${String(party.token)}${stateOf(party)}`)
      .join('<br>');
    return `| ${name} | ${held} | ${waiters.map(describe).join('<br>')} |`;
  });
  return ['| lock | held by | waiting |', '| --- | --- | --- |', ...rows].join('\n');
}

function notesOn({ isRecovering, unsettled, refused, lockdep }: LockTableView): readonly string[] {
  return [
    ...(isRecovering ? ['Recovering: nothing is granted until it is known what was granted before.'] : []),
    ...(refused === undefined ? [] : [refused]),
    ...(unsettled === undefined ? [] : [`Closed holders are not settled: ${unsettled}`]),
    ...lockdep.map(({ message }) => `lockdep: ${message}`),
  ];
}

function describe({ purpose, mode }: LockParty): string {
  // A bar would begin another column.
  return `${purpose.replaceAll('|', '\\|')} (${mode})`;
}

function stateOf({ isClosed, suspect }: LockParty): string {
  if (isClosed) return ', closed: not settled yet';
  return suspect === undefined ? '' : `, suspect: ${suspect}`;
}
