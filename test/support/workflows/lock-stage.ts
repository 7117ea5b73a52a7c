/** Workflows of the lock stage. Entry of a bundle. */
export { nodeLocks } from '../../../workflows/node-locks.ts';
export { lockRequester } from './lock-requester.ts';
export { earlyAnswer } from './early-answer.ts';
