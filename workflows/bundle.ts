/** Entry of the workflow bundle: each export is a workflow type. */
export { addDeviceMemory } from './add-device-memory.ts';
export { addMemory } from './add-memory.ts';
export { askPlugin } from './ask-plugin.ts';
export { explainOperation } from './explain-operation.ts';
export { holdLocks } from './hold-locks.ts';
export { nodeLocks } from './node-locks.ts';
export { offlineCpu } from './offline-cpu.ts';
export { offlineMemory } from './offline-memory.ts';
export { offlinePermits } from './offline-permits.ts';
export { onlineCpu } from './online-cpu.ts';
export { onlineMemory } from './online-memory.ts';
export { recoverMemory } from './recover-memory.ts';
export { removeDeviceMemory } from './remove-device-memory.ts';
export { removeMemory } from './remove-memory.ts';
