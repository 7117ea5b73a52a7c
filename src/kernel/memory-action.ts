/** Notifier actions, spelled as in include/linux/memory.h (v6.12, without the s390-only PREPARE/FINISH pair). */
export const MEMORY_ACTIONS = [
  'MEM_GOING_ONLINE',
  'MEM_CANCEL_ONLINE',
  'MEM_ONLINE',
  'MEM_GOING_OFFLINE',
  'MEM_CANCEL_OFFLINE',
  'MEM_OFFLINE',
] as const;
export type MemoryAction = (typeof MEMORY_ACTIONS)[number];

/** Only these two may be vetoed; whatever is answered to the other four cannot fail the operation. */
export function isVetoable(action: MemoryAction): boolean {
  return action === 'MEM_GOING_ONLINE' || action === 'MEM_GOING_OFFLINE';
}
