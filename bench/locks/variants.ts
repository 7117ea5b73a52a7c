/** What is compared: the ways to take and give back an operation's whole lock set. */
import { nodeLocksWorkflowId } from '../../src/contract/names.ts';
import { LOCK_SET, lockWorkflowId, type Taking } from './workflows/taking.ts';

export interface WorkflowVariant {
  readonly name: 'ours' | 'fast path' | 'mutex workflows' | 'child workflow ids' | 'no lock';
  /** The workflow type that takes the locks. */
  readonly requester: string;
  /** The workflows that are the locks. */
  readonly locks: (taking: Taking) => readonly string[];
}

const perLock =
  (kind: string) =>
  (taking: Taking): readonly string[] =>
    LOCK_SET.map((lock) => lockWorkflowId(taking, kind, lock));

export const WORKFLOW_VARIANTS = [
  {
    name: 'ours',
    requester: 'takeNodeLocks',
    locks: ({ cluster, node }) => [nodeLocksWorkflowId(cluster, node)],
  },
  { name: 'fast path', requester: 'takeFastPathLocks', locks: (taking) => [lockWorkflowId(taking, 'fastpath', 'all')] },
  { name: 'mutex workflows', requester: 'takeMutexes', locks: perLock('mutex') },
  { name: 'child workflow ids', requester: 'takePermits', locks: perLock('permit') },
  { name: 'no lock', requester: 'takeNoLock', locks: () => [] },
] as const satisfies readonly WorkflowVariant[];
