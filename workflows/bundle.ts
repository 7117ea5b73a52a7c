/** Entry of the workflow bundle: each export is a workflow type. */
export { addMemory } from './add-memory.ts';
export { nodeLocks } from './node-locks.ts';
export { offlineMemory } from './offline-memory.ts';
export { onlineMemory } from './online-memory.ts';
export { removeMemory } from './remove-memory.ts';
