/** Every workflow type of the bundle that lives in histories for longer than a command. */
import { RECOVERY_WORKFLOW } from './dead-operation.ts';
import { DEVICE_WORKFLOW } from './device-operations.ts';
import { EXPLAIN_WORKFLOW } from './explain.ts';
import { HOLD_LOCKS_WORKFLOW } from './hold-locks.ts';
import { NODE_LOCKS_WORKFLOW } from './node-locks.ts';
import { OFFLINE_PERMITS_WORKFLOW } from './offline-permits.ts';
import { OPERATION_WORKFLOW } from './operations.ts';

export const WORKFLOW_TYPES: readonly string[] = [
  ...Object.values(OPERATION_WORKFLOW),
  RECOVERY_WORKFLOW,
  ...Object.values(DEVICE_WORKFLOW),
  NODE_LOCKS_WORKFLOW,
  OFFLINE_PERMITS_WORKFLOW,
  HOLD_LOCKS_WORKFLOW,
  EXPLAIN_WORKFLOW,
];
