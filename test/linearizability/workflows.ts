/** The workflows of a run: the real lock entity, more eager than in production, and its clients. */
import type { NodeLocksInput } from '../../src/contract/node-locks.ts';
import { nodeLocks as realNodeLocks } from '../../workflows/node-locks.ts';

export { lockClient } from './client-workflow.ts';

/** Holders are looked at, and the entity continues as new, many times in one run. */
const EAGER = { timings: { livenessMs: 300, livenessMaxMs: 1_000, agentStartMs: 5_000 }, historyLengthMax: 400 };

export function nodeLocks(input: NodeLocksInput): Promise<void> {
  return realNodeLocks({ ...input, ...EAGER });
}
