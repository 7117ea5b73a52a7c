/** A lock table as people and programs read it: who holds and who waits, lock by lock. */
import { holdersOf, waitersOf, type LockRequestState, type LockTable } from '../kernel/lock-queue.ts';
import type { LockName } from '../kernel/lock-request.ts';
import type { LockParty, LockTableView } from './locks.ts';

export function viewLockTable(node: string, table: LockTable): LockTableView {
  const names = new Set(
    table.requests.flatMap((request) => [...request.held, ...request.pending.slice(0, 1)].map((lock) => lock.name)),
  );
  const locks = [...names].sort().map((name) => ({
    name,
    holders: holdersOf(table, name).map((request) => partyOf(request, name)),
    waiters: waitersOf(table, name).map((request) => partyOf(request, name)),
  }));
  return { node, epoch: table.epoch, locks };
}

function partyOf(request: LockRequestState, name: LockName): LockParty {
  const held = request.held.find((lock) => lock.name === name);
  const mode = held?.mode ?? request.pending[0]?.mode ?? 'write';
  const since = new Date(request.sinceMs).toISOString();
  return { ...request.holder, purpose: request.purpose, mode, since, ...(held ? { token: held.token } : {}) };
}

/** Markdown for the Temporal UI. */
export function describeLockTable(view: LockTableView): string {
  if (view.locks.length === 0) return `No lock of ${view.node} is held (epoch ${String(view.epoch)}).`;
  const rows = view.locks.map(({ name, holders, waiters }) => {
    const held = holders.map((party) => `${party.purpose} (${party.mode}, token ${String(party.token)})`).join('<br>');
    const waiting = waiters.map((party) => `${party.purpose} (${party.mode})`).join('<br>');
    return `| ${name} | ${held} | ${waiting} |`;
  });
  return ['| lock | held by | waiting |', '| --- | --- | --- |', ...rows].join('\n');
}
