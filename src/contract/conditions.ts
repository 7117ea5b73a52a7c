/** The closed list of reasons: the same word stands in a condition, in an event and in the log. */

export const READY_REASONS = [
  'Settled',
  'ObserveOnly',
  'Pending',
  'Operating',
  'WaitingForPermit',
  'WaitingForLocks',
  'WaitingForReaders',
  'Vetoed',
  'Deferred',
  'Infeasible',
  'Failed',
  'TimedOut',
  'Deadlock',
  'AgentUnavailable',
  'NodeGone',
  'TemporalUnavailable',
  'AddNotSupported',
  'RemoveNotSupported',
  'ZoneMismatch',
  'Drifted',
  'BlockSizeChanged',
  'Paused',
  'Deleting',
  'Orphaned',
  'Unknown',
] as const;
export type Reason = (typeof READY_REASONS)[number];

/** Reasons of events on a NodeMemory. */
export const NODE_EVENT_REASONS = ['BlocksDiscovered', 'LockOrderInversion', 'LockReleased'] as const;
export type NodeEventReason = (typeof NODE_EVENT_REASONS)[number];

export const CONDITION_TYPES = ['Ready', 'Reconciling', 'Stalled', 'Present', 'Online'] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];
