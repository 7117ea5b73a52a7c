/** Which change of a block's status is worth an event: a new reason, or another vetoer. */
import type { NodeEventReason, Reason } from '../contract/conditions.ts';
import type { MemoryBlock, MemoryBlockStatus } from '../contract/resources.ts';
import { vetoerIn } from '../contract/veto-message.ts';

/** An event about a MemoryBlock, as users read it in `kubectl describe`. */
export interface BlockEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: Reason;
  readonly note: string;
  /** What the controller was doing: `Reconcile`, or the operation. */
  readonly action: string;
  /** The same key names the same event: told twice, it is kept once. */
  readonly key: string;
}

/** An event about a NodeMemory. */
export type NodeEvent = Omit<BlockEvent, 'reason'> & { readonly reason: NodeEventReason };

const NORMAL: ReadonlySet<string> = new Set([
  'Settled',
  'ObserveOnly',
  'Pending',
  'Operating',
  'WaitingForPermit',
  'WaitingForLocks',
  'WaitingForReaders',
  'Paused',
  'Deleting',
  'Orphaned',
]);
/** Passing reasons that every block goes through: no news. */
const SILENT: ReadonlySet<string> = new Set(['Pending', 'ObserveOnly', 'Deleting']);

/** The event for the step from `block`'s status to `next`; undefined when there is nothing new to tell. */
export function eventOf(block: MemoryBlock, next: MemoryBlockStatus): BlockEvent | undefined {
  const before = readyOf(block.status);
  const after = readyOf(next);
  if (!after || SILENT.has(after.reason)) return undefined;
  // Of the messages, because they are what was told: the outcome of a veto is in the status before anybody tells of it.
  const isNews = before?.reason !== after.reason || vetoerIn(before.message) !== vetoerIn(after.message);
  if (!isNews) return undefined;
  const action = next.operation?.type ?? next.lastOperation?.type ?? 'Reconcile';
  return blockEvent(block, after.reason as Reason, after.message, action);
}

/** An event that is told because of what is done, not because a condition changed. */
export function blockEvent(block: MemoryBlock, reason: Reason, note: string, action: string): BlockEvent {
  const { uid = '', resourceVersion = '' } = block.metadata;
  const key = [uid, resourceVersion, reason].join('/');
  return { type: NORMAL.has(reason) ? 'Normal' : 'Warning', reason, note, action, key };
}

function readyOf(status: MemoryBlockStatus | undefined): { reason: string; message: string } | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}
