/** What is compared: the ways to take and give back an operation's whole lock set. */
import { nodeLocksWorkflowId } from '../../src/contract/names.ts';
import { LOCK_SET, lockWorkflowId, type Taking } from './workflows/taking.ts';

export interface WorkflowVariant {
  readonly name: 'ours' | 'ours, by signal' | 'mutex workflows' | 'child workflow ids' | 'no lock';
  /** One of `CLUSTERS`: its workers run this variant. */
  readonly cluster: string;
  /** The workflow type that takes the locks. */
  readonly requester: string;
  /** The workflows that are the locks. */
  readonly locks: (taking: Taking) => readonly string[];
}

const CLUSTER = 'bench';
const SIGNAL_CLUSTER = `${CLUSTER}-signal`;

/** Workers of a cluster have one way to send requests for locks: so each way has a cluster of its own. */
export const CLUSTERS = [
  { cluster: CLUSTER, byUpdate: true },
  { cluster: SIGNAL_CLUSTER, byUpdate: false },
] as const;

const perLock =
  (kind: string) =>
  (taking: Taking): readonly string[] =>
    LOCK_SET.map((lock) => lockWorkflowId(taking, kind, lock));

const nodeLocks = ({ cluster, node }: Taking): readonly string[] => [nodeLocksWorkflowId(cluster, node)];

export const WORKFLOW_VARIANTS = [
  { name: 'ours', cluster: CLUSTER, requester: 'takeNodeLocks', locks: nodeLocks },
  { name: 'ours, by signal', cluster: SIGNAL_CLUSTER, requester: 'takeNodeLocks', locks: nodeLocks },
  { name: 'mutex workflows', cluster: CLUSTER, requester: 'takeMutexes', locks: perLock('mutex') },
  { name: 'child workflow ids', cluster: CLUSTER, requester: 'takePermits', locks: perLock('permit') },
  { name: 'no lock', cluster: CLUSTER, requester: 'takeNoLock', locks: () => [] },
] as const satisfies readonly WorkflowVariant[];
