/** Mistakes that no call gets an error for: they only show in what others are answered. */
import type { MemoryNotify } from '../../../src/contract/notifier.ts';
import { ok, veto } from '../../../src/plugins/define-plugin.ts';
import type { Notify } from './play.ts';

const isGoing = ({ action }: MemoryNotify): boolean => action.includes('GOING');
const isCancel = ({ action }: MemoryNotify): boolean => action.includes('CANCEL');

interface QuietFault {
  /** What the plugin does. */
  readonly what: string;
  /** The one check that fails. */
  readonly check: string;
  readonly plugin: () => Notify;
}

export const QUIET_FAULTS: readonly QuietFault[] = [
  {
    what: 'keeps a block for ever',
    check: 'gives-back',
    plugin: () => keeper(({ blockId }) => String(blockId), never),
  },
  { what: 'keeps a node for ever', check: 'gives-back', plugin: () => keeper(({ node }) => node, never) },
  {
    what: 'keeps a node when it goes online or offline',
    check: 'gives-back',
    plugin: () => keeper(({ node }) => node, isCancel),
  },
  {
    what: 'keeps the cluster when an operation is cancelled',
    check: 'gives-back',
    plugin: () => keeper(() => 'all', isNoCancel),
  },
  {
    what: 'counts down in CANCEL what it never counted up',
    check: 'cancel-without-going',
    plugin: () => counter(isCancel),
  },
  {
    what: 'counts down in MEM_ONLINE and MEM_OFFLINE, too',
    check: 'outcome-without-going',
    plugin: () => counter(isNoCancel),
  },
];

/** One operation at a time in each `place`; only an end that `gives` gives it back. */
function keeper(place: (event: MemoryNotify) => string, gives: (event: MemoryNotify) => boolean): Notify {
  const holders = new Map<string, string>();
  return (event) => {
    const holder = holders.get(place(event)) ?? event.runId;
    if (!isGoing(event)) {
      if (holder === event.runId && gives(event)) holders.delete(place(event));
      return ok();
    }
    if (!event.dryRun) holders.set(place(event), holder);
    return holder === event.runId ? ok() : veto('EBUSY', `run ${holder} is not over`);
  };
}

/** One operation at a time; an end that is `blind` is not compared with what has begun. */
function counter(blind: (event: MemoryNotify) => boolean): Notify {
  const known = new Set<string>();
  let underWay = 0;
  return (event) => {
    const { runId, dryRun } = event;
    if (!isGoing(event)) {
      if (known.delete(runId) || blind(event)) underWay--;
      return ok();
    }
    if (known.has(runId)) return ok();
    if (underWay > 0) return veto('EBUSY', 'one operation at a time');
    if (!dryRun) {
      known.add(runId);
      underWay++;
    }
    return ok();
  };
}

function never(): boolean {
  return false;
}

function isNoCancel(event: MemoryNotify): boolean {
  return !isCancel(event);
}
