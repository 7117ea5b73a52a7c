/** Lock reducers with one mistake each: a proof that does not find them proves nothing. */
import type { LockRequestState, LockTable } from '../../src/kernel/lock-queue.ts';
import type { LockEffect, LockEvent } from '../../src/kernel/lock-request.ts';
import { REDUCER, type Reducer } from './lock-world.ts';

type Applied = ReturnType<Reducer['apply']>;

/** Applies `event` as if `hidden` were not there. */
function applyWithout(table: LockTable, event: LockEvent, isHidden: (request: LockRequestState) => boolean): Applied {
  const visible = table.requests.filter((request) => !isHidden(request));
  const { table: next, effects } = REDUCER.apply({ ...table, requests: visible }, event);
  const present = new Map(next.requests.map((request) => [request.id, request]));
  const old = table.requests.flatMap((request) => (isHidden(request) ? [request] : (present.get(request.id) ?? [])));
  const fresh = next.requests.filter(({ id }) => !table.requests.some((request) => request.id === id));
  return { table: { ...next, requests: [...old, ...fresh] }, effects };
}

function applying(apply: (table: LockTable, event: LockEvent) => Applied): Reducer {
  return { ...REDUCER, apply };
}

function isWaiting({ pending }: LockRequestState): boolean {
  return pending.length > 0;
}

/** A request is put back, as if nobody had looked for cycles once it had got its first lock. */
function waitsAnyway(before: LockTable, { table, effects }: Applied): Applied {
  const isRefused = (effect: LockEffect): boolean => effect.kind === 'deny' && effect.errno === 'EDEADLK';
  const refused = effects.flatMap((effect) => (isRefused(effect) && 'id' in effect ? [effect.id] : []));
  const requests = before.requests.flatMap((request) => {
    const [first, ...pending] = request.pending;
    if (!first || !refused.includes(request.id)) return [];
    const token = before.epoch * 2 ** 31 + table.sequence;
    return [
      { ...request, held: [...request.held, { ...first, token, sinceMs: 0 }], pending, ticket: table.nextTicket },
    ];
  });
  const finished = table.finished.filter((id) => !refused.includes(id));
  const nextTicket = table.nextTicket + 1;
  return {
    table: { ...table, nextTicket, finished, requests: [...table.requests, ...requests] },
    effects: effects.filter((effect) => !isRefused(effect)),
  };
}

export const BROKEN_REDUCERS: Readonly<Record<string, Reducer>> = {
  'grants a lock that is held': applying((table, event) =>
    event.kind === 'request' ? applyWithout(table, event, () => true) : REDUCER.apply(table, event),
  ),
  'lets a reader overtake a waiting writer': applying((table, event) =>
    event.kind === 'request' && event.locks.every(({ mode }) => mode === 'read')
      ? applyWithout(table, event, isWaiting)
      : REDUCER.apply(table, event),
  ),
  'uses tokens again after it was created anew': applying((table, event) =>
    REDUCER.apply(table, event.kind === 'open' ? { ...event, epoch: 1 } : event),
  ),
  'honours a release of something that was released before': applying((table, event) => {
    const isStale = event.kind === 'release' && table.finished.includes(event.id);
    const [runId] = isStale ? event.id.split('/') : [];
    const current = table.requests.find((request) => request.holder.runId === runId);
    return REDUCER.apply(table, current && event.kind === 'release' ? { ...event, id: current.id } : event);
  }),
  'does not look who waits when a lock is given back': applying((table, event) =>
    event.kind === 'release'
      ? applyWithout(table, event, (request) => isWaiting(request) && request.id !== event.id)
      : REDUCER.apply(table, event),
  ),
  'looks for cycles only when a request arrives': applying((table, event) => {
    const applied = REDUCER.apply(table, event);
    return event.kind === 'request' ? applied : waitsAnyway(table, applied);
  }),
  'frees what a closed run holds before it is settled': applying((table, event) =>
    REDUCER.apply(table, event.kind === 'closed' ? { ...event, kind: 'settled' } : event),
  ),
  'forgets grants when it is rebuilt': {
    ...REDUCER,
    rebuild: (base, events) =>
      REDUCER.rebuild(
        base,
        events.filter(({ kind }) => kind !== 'adopt'),
      ),
  },
  'believes that a denial has arrived because it was sent': { ...REDUCER, trustsSentDenials: true },
  'forgets who waits when it is rebuilt': {
    ...REDUCER,
    rebuild: (base, events) => {
      const table = REDUCER.rebuild(base, events);
      return events.length > 0
        ? table
        : { ...table, requests: table.requests.filter((request) => !isWaiting(request)) };
    },
  },
};
