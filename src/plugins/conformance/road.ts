import type { MemoryAction } from '../../kernel/memory-action.ts';

/** The three actions of going online, or of going offline: what is asked, and the two ways in which it ends. */
export interface Road {
  readonly going: MemoryAction;
  readonly done: MemoryAction;
  readonly cancel: MemoryAction;
}

export const ROADS: readonly Road[] = [
  { going: 'MEM_GOING_OFFLINE', done: 'MEM_OFFLINE', cancel: 'MEM_CANCEL_OFFLINE' },
  { going: 'MEM_GOING_ONLINE', done: 'MEM_ONLINE', cancel: 'MEM_CANCEL_ONLINE' },
];
