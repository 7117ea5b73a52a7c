/** One mistake per check of the kit: a check that nothing can fail is none. */
import { setTimeout as wait } from 'node:timers/promises';
import type { MemoryNotify } from '../../../src/contract/notifier.ts';
import { ok, stop, veto } from '../../../src/plugins/define-plugin.ts';
import type { Notify } from './play.ts';

/** How long a service may take, for the plugin that keeps no deadline. */
const SERVICE_MS = 500;
const LATE_MS = 20;

const isGoing = ({ action }: MemoryNotify): boolean => action.includes('GOING');
const isCancel = ({ action }: MemoryNotify): boolean => action.includes('CANCEL');
const blockOf = ({ node, blockId }: MemoryNotify): string => `${node}/${String(blockId)}`;

const KNOWN_FIELDS: ReadonlySet<string> = new Set(
  `apiVersion uid notifier action cluster node blockId startPfn nrPages physicalAddress sizeBytes onlineType numaNode
  workflowId runId tokens deadline dryRun`.split(/\s+/),
);

/** By the check that finds it, and no other: a plugin that makes the mistake. */
export const FAULTS: Readonly<Record<string, () => Notify>> = {
  'every-action': () => (event) => (event.action === 'MEM_ONLINE' ? undefined : ok()),

  'dry-run-leaves-no-trace': () => {
    const holders = new Map<string, string>();
    return (event) => {
      const holder = holders.get(blockOf(event)) ?? event.runId;
      if (isGoing(event)) holders.set(blockOf(event), holder);
      else if (holder === event.runId) holders.delete(blockOf(event));
      return !isGoing(event) || holder === event.runId ? ok() : veto('EBUSY', `run ${holder} is not over`);
    };
  },

  'dry-run-verdict': () => (event) =>
    event.dryRun || !isGoing(event) ? ok() : veto('EBUSY', 'the change freeze lasts'),

  'unknown-fields': () => (event) => {
    const unknown = Object.keys(event).find((name) => !KNOWN_FIELDS.has(name));
    if (unknown !== undefined) throw new Error(`unexpected keyword argument ${unknown}`);
    return ok();
  },

  'missing-fields': () => (event) => ok(isGoing(event) ? event.numaNode!.toString() : undefined),

  'large-numbers': () => (event) => {
    Buffer.alloc(4).writeUInt32LE(event.startPfn);
    return ok();
  },

  'gives-back': () => {
    const holders = new Map<string, string>();
    return (event) => {
      const holder = holders.get(event.node) ?? event.runId;
      if (isGoing(event) && !event.dryRun) holders.set(event.node, holder);
      if (!isGoing(event) && !isCancel(event) && holder === event.runId) holders.delete(event.node);
      return !isGoing(event) || holder === event.runId ? ok() : veto('EBUSY', `run ${holder} is not over`);
    };
  },

  'cancel-without-going': () => {
    const started = new Set<string>();
    return (event) => {
      if (isGoing(event)) started.add(event.runId);
      if (isCancel(event) && !started.has(event.runId)) throw new Error(`no such run: ${event.runId}`);
      return ok();
    };
  },

  'outcome-without-going': () => {
    const runs = new Map<string, { readonly startedMs: number }>();
    return (event) => {
      if (isGoing(event)) runs.set(event.runId, { startedMs: Date.now() });
      if (isGoing(event) || isCancel(event)) return ok();
      return ok(`took ${String(Date.now() - runs.get(event.runId)!.startedMs)} ms`);
    };
  },

  'cancel-after-veto': () => {
    const vetoed = new Set<string>();
    return (event) => {
      if (isGoing(event) && !event.dryRun) vetoed.add(event.runId);
      if (isGoing(event)) return veto('EBUSY', 'a backup runs until noon');
      if (isCancel(event) && vetoed.has(event.runId)) throw new Error('there is nothing to undo');
      return ok();
    };
  },

  'cancel-twice': () => {
    const cancelled = new Set<string>();
    return (event) => {
      if (isCancel(event) && cancelled.has(event.runId)) throw new Error('cancelled already');
      if (isCancel(event)) cancelled.add(event.runId);
      return ok();
    };
  },

  'cancel-of-another-run': () => {
    const holders = new Map<string, string>();
    return (event) => {
      if (!isGoing(event)) {
        holders.delete(blockOf(event));
        return ok();
      }
      const holder = holders.get(blockOf(event)) ?? event.runId;
      if (!event.dryRun) holders.set(blockOf(event), holder);
      return holder === event.runId ? ok() : veto('EBUSY', `run ${holder} is not over`);
    };
  },

  repeat: () => {
    const recorded = new Set<string>();
    return async (event) => {
      if (recorded.has(event.uid)) throw new Error(`duplicate key ${event.uid}`);
      await wait(1);
      if (isGoing(event)) recorded.add(event.uid);
      return ok();
    };
  },

  'repeat-at-once': () => {
    const underWay = new Set<string>();
    return async (event) => {
      if (underWay.has(event.uid)) throw new Error(`${event.uid} is being worked on`);
      underWay.add(event.uid);
      await wait(1);
      underWay.delete(event.uid);
      return ok();
    };
  },

  'many-at-once': () => {
    let underWay: string | undefined;
    return async (event) => {
      if (underWay !== undefined && underWay !== event.uid) throw new Error('busy');
      underWay = event.uid;
      await wait(1);
      underWay = undefined;
      return ok();
    };
  },

  deadline: () => async (event) => {
    const leftMs = Date.parse(event.deadline) - Date.now();
    if (event.action === 'MEM_GOING_ONLINE' && leftMs < SERVICE_MS) await wait(leftMs + LATE_MS);
    return ok();
  },

  'chain-goes-on': () => (event) => (event.action === 'MEM_OFFLINE' ? stop('nobody else needs to know') : ok()),

  'veto-reason': () => (event) => (isGoing(event) ? veto('EBUSY', '') : ok()),
};
