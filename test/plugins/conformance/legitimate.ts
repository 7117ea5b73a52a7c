/** Plugins that follow the contract and are unlike each other: none of them may fail a check. */
import { setTimeout as wait } from 'node:timers/promises';
import type { MemoryNotify } from '../../../src/contract/notifier.ts';
import { done, ok, veto } from '../../../src/plugins/define-plugin.ts';
import type { Notify } from './play.ts';

const SLOW_MS = 500;

const isGoing = ({ action }: MemoryNotify): boolean => action.includes('GOING');
const isCancel = ({ action }: MemoryNotify): boolean => action.includes('CANCEL');

const AGAIN = { retryAfterSeconds: 60 };

/** What is vetoed with time is vetoed after every end, as if something had not been given back. */
export const LIMITS: Readonly<Record<string, () => Notify>> = {
  'lets three operations an hour begin, whether they succeed or not': () => limit(3, () => 'all', AGAIN),
  'lets three operations an hour begin, and does not say when the hour is over': () => limit(3, () => 'all'),
  'lets one operation an hour begin': () => limit(1, () => 'all', AGAIN),
  'lets a node rest after each operation': () => limit(1, ({ node }) => node, AGAIN),
  'lets a block rest after each operation': () => limit(1, ({ blockId }) => String(blockId), AGAIN),
};

function limit(most: number, place: (event: MemoryNotify) => string, when: typeof AGAIN | object = {}): Notify {
  const places = new Map<string, Set<string>>();
  return (event) => {
    const begun = places.get(place(event)) ?? new Set<string>();
    if (!isGoing(event) || begun.has(event.runId)) return ok();
    if (begun.size === most) return veto('EAGAIN', `${String(most)} have begun in this hour`, when);
    if (!event.dryRun) places.set(place(event), begun.add(event.runId));
    return ok();
  };
}

export const LEGITIMATE: Readonly<Record<string, () => Notify>> = {
  ...LIMITS,

  'lets three operations an hour begin on each node': () => limit(3, ({ node }) => node),

  'lets one operation run at a time in the whole cluster': () => {
    let holder: string | undefined;
    return (event) => {
      if (isGoing(event)) {
        if (holder !== undefined && holder !== event.runId) return veto('EBUSY', `run ${holder} is under way`);
        if (!event.dryRun) holder = event.runId;
        return ok();
      }
      if (holder === event.runId) holder = undefined;
      return done();
    };
  },

  'begins to drain when it is first asked, and agrees to a later try': () => {
    const drained = new Set<string>();
    return (event) => {
      if (!isGoing(event) || drained.has(event.node)) return ok();
      if (!event.dryRun) drained.add(event.node);
      return veto('EBUSY', `draining ${event.node}`, { retryAfterSeconds: 30 });
    };
  },

  'gives back what an earlier run has left when a later one tells the end': () => {
    const holders = new Map<string, { readonly runId: string; readonly token: number }>();
    return (event) => {
      const token = event.tokens['device_hotplug_lock'] ?? 0;
      const holder = holders.get(event.node);
      if (!isGoing(event)) {
        if (holder && token >= holder.token) holders.delete(event.node);
        return ok();
      }
      if (holder && holder.runId !== event.runId && (event.dryRun || token < holder.token))
        return veto('EBUSY', `held for ${holder.runId}`);
      if (!event.dryRun) holders.set(event.node, { runId: event.runId, token });
      return ok();
    };
  },

  'asks a slow service, and gives up before the deadline': () => async (event) => {
    if (event.action !== 'MEM_GOING_ONLINE') return done();
    const leftMs = Date.parse(event.deadline) - Date.now();
    if (leftMs > SLOW_MS) return wait(10, ok('the service says that the database can do without'));
    return wait(leftMs / 4, veto('ETIMEDOUT', 'the service did not say in time whether the database can do without'));
  },

  'vetoes without an errno, which is EPERM': () => (event) =>
    isGoing(event) ? { result: 'NOTIFY_BAD', reason: 'the tenant has paid for this memory' } : done(),

  'writes null where it has nothing to say': () => () => ({
    result: 'NOTIFY_OK',
    errno: null,
    reason: null,
    retryAfterSeconds: null,
    outlook: null,
  }),

  'does not answer to a CANCEL until the operation has begun, and then at once': () => (event) =>
    isCancel(event) ? done('nothing to undo') : ok(),
};
