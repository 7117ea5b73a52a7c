/** What must hold of every lock table, worked out by brute force and without the code under test. */
import type { LockRequestState, LockTable } from '../../src/kernel/lock-queue.ts';
import type { WantedLock } from '../../src/kernel/lock.ts';

export function exclude(a: WantedLock, b: WantedLock): boolean {
  return a.name === b.name && (a.mode === 'write' || b.mode === 'write');
}

/** What is wrong with `table`, in words; empty: nothing. */
export function faultsOf(table: LockTable): readonly string[] {
  const { requests, finished, closedRuns } = table;
  const held = requests.flatMap((request) => request.held.map((lock) => ({ lock, request })));
  const faults: string[] = [];
  for (const [place, { lock, request }] of held.entries()) {
    for (const other of held.slice(place + 1)) {
      if (exclude(lock, other.lock)) faults.push(`${lock.name} is held by ${request.id} and by ${other.request.id}`);
      if (lock.token === other.lock.token) faults.push(`token ${String(lock.token)} was given twice`);
    }
  }
  if (new Set(requests.map(({ id }) => id)).size < requests.length) faults.push('a request is listed twice');
  for (const request of requests) {
    if (finished.includes(request.id)) faults.push(`${request.id} has ended and is still there`);
    const isClosed = closedRuns.includes(request.holder.runId);
    if (isClosed && !request.isClosed) faults.push(`${request.id} is of a closed run and not marked so`);
    if (isClosed && request.pending.length > 0) faults.push(`${request.id} of a closed run waits`);
  }
  return table.isRecovering ? faults : [...faults, ...faultsOfWaiting(table)];
}

function faultsOfWaiting(table: LockTable): readonly string[] {
  const waiting = table.requests.filter((request) => request.pending.length > 0);
  const free = waiting.filter((request) => obstaclesOf(table, request).length === 0);
  const looped = waiting.filter((request) => isOnCycle(table, request.holder.runId));
  return [
    ...free.map(({ id }) => `${id} waits for a lock that it could have`),
    ...looped.map(({ id }) => `${id} waits in a cycle`),
  ];
}

/** Requests that hold what `request` waits for, or came before it, so that it cannot be granted. */
export function obstaclesOf(table: LockTable, request: LockRequestState): readonly LockRequestState[] {
  const [wanted] = request.pending;
  if (!wanted) return [];
  return table.requests.filter((other) => {
    const [first] = other.pending;
    const isAhead = other.id !== request.id && other.ticket < request.ticket && first && exclude(first, wanted);
    return isAhead === true || other.held.some((lock) => exclude(lock, wanted));
  });
}

/** Whether `runId` waits, over any number of others, for itself: Warshall's closure of the wait-for relation of runs. */
export function isOnCycle({ requests, ...rest }: LockTable, runId: string): boolean {
  const table = { ...rest, requests };
  const reaches = new Set<string>();
  for (const request of requests) {
    for (const other of obstaclesOf(table, request)) reaches.add(`${request.holder.runId}>${other.holder.runId}`);
    for (const cause of requests) {
      if (request.causedBy === cause.holder.workflowId) reaches.add(`${cause.holder.runId}>${request.holder.runId}`);
    }
  }
  const runs = [...new Set(requests.map(({ holder }) => holder.runId))];
  for (const via of runs)
    for (const from of runs)
      for (const to of runs)
        if (reaches.has(`${from}>${via}`) && reaches.has(`${via}>${to}`)) reaches.add(`${from}>${to}`);
  return reaches.has(`${runId}>${runId}`);
}

/** Who was granted a lock between `before` and `after` although somebody excluded by it came earlier and waits still. */
export function overtakings(before: LockTable, after: LockTable): readonly string[] {
  const faults: string[] = [];
  for (const early of before.requests) {
    const [wanted] = early.pending;
    const now = after.requests.find(({ id }) => id === early.id);
    if (!wanted || now?.ticket !== early.ticket || now.pending.length === 0) continue;
    for (const late of after.requests) {
      const was = before.requests.find(({ id }) => id === late.id);
      const taken = late.held.filter((lock) => !was?.held.some(({ name }) => name === lock.name));
      const waitedLonger = was?.pending[0]?.name === wanted.name && was.ticket < early.ticket;
      if (waitedLonger || !taken.some((lock) => exclude(lock, wanted))) continue;
      faults.push(`${late.id} was granted ${wanted.name} before ${early.id}, which had come earlier`);
    }
  }
  return faults;
}
