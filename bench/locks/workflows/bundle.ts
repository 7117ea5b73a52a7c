/** Entry of the benchmark's workflow bundle: ours as it is in production, the others for comparison. */
export { nodeLocks } from '../../../workflows/node-locks.ts';
export { takeNoLock } from './take-no-lock.ts';
export { takeNodeLocks } from './take-node-locks.ts';
export { mutex, takeMutexes } from './mutex.ts';
export { permit, takePermits } from './permit.ts';
