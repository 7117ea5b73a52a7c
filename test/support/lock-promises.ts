/** What is promised of a world of locks, in every state, at every step and in the end. */
import type { LockEvent } from '../../src/kernel/lock-request.ts';
import { exclude, faultsOf, overtakings } from './lock-oracle.ts';
import type { World } from './lock-world.ts';

export class BrokenPromise extends Error {}

/** Throws when `world` breaks a promise. */
export function checkWorld({ table, runs }: World): void {
  const [fault] = faultsOf(table);
  if (fault !== undefined) throw new BrokenPromise(fault);
  const used = runs.flatMap((run, index) =>
    Object.values(run.taken).flatMap((locks) => locks.map((lock) => ({ lock, index }))),
  );
  for (const a of used)
    for (const b of used)
      if (a.index < b.index && exclude(a.lock, b.lock)) {
        throw new BrokenPromise(`runs ${String(a.index)} and ${String(b.index)} both work under ${a.lock.name}`);
      }
}

/** Throws when somebody waits in `world`, in which nothing can happen any more. */
export function checkEnd({ table, runs }: World): void {
  const left = table.requests.map(({ id }) => id);
  const waiting = runs.flatMap((run, index) => (run.status === 'running' ? [String(index)] : []));
  if (left.length > 0 || waiting.length > 0) {
    throw new BrokenPromise(
      `nothing moves; runs ${waiting.join()} go on for ever, and requests ${left.join()} are left`,
    );
  }
}

/** Throws when `event` made somebody be granted out of turn, or with an old token. */
export function checkGrants(before: World, after: World, event: LockEvent): void {
  const [fault] = event.kind === 'open' ? [] : overtakings(before.table, after.table);
  if (fault !== undefined) throw new BrokenPromise(fault);
  const old = new Set(before.table.requests.flatMap(({ held }) => held.map(({ token }) => token)));
  for (const { held } of after.table.requests) {
    for (const { name, token } of held) {
      if (event.kind !== 'open' && old.has(token)) continue;
      if (token <= before.highestToken) throw new BrokenPromise(`the token of ${name} has not grown`);
    }
  }
}
