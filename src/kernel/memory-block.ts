/**
 * Memory-block states and what may follow them.
 * Mirrors drivers/base/memory.c (`memory_block_change_state`, `memory_subsys_online/offline`), v6.12.
 */
import type { Errno } from './errno.ts';

/** `absent` is ours (no device); the kernel stores the other three. There is no `going-online`. */
export const MEMORY_BLOCK_STATES = ['absent', 'offline', 'going-offline', 'online'] as const;
export type MemoryBlockState = (typeof MEMORY_BLOCK_STATES)[number];

/** How a block is onlined (`enum mmop`), spelled as in `memoryN/state`. */
export const ONLINE_TYPES = ['online', 'online_kernel', 'online_movable'] as const;
export type OnlineType = (typeof ONLINE_TYPES)[number];

/** The words that `memoryN/state` and `spec.state` accept. */
export type RequestedState = OnlineType | 'offline';

export type OperationType = 'add' | 'online' | 'offline' | 'remove';

export function isOnlineType(word: string): word is OnlineType {
  return (ONLINE_TYPES as readonly string[]).includes(word);
}

/** What one operation does to one block: `via` is the stored state while it runs. */
interface Transition {
  readonly from: MemoryBlockState;
  readonly via: MemoryBlockState;
  readonly to: MemoryBlockState;
  /** What the kernel answers when the block is not in `from` (and not yet in `to`). */
  readonly errno: Errno;
}

export const TRANSITIONS = {
  add: { from: 'absent', via: 'absent', to: 'offline', errno: 'EEXIST' },
  online: { from: 'offline', via: 'offline', to: 'online', errno: 'EINVAL' },
  offline: { from: 'online', via: 'going-offline', to: 'offline', errno: 'EINVAL' },
  remove: { from: 'offline', via: 'offline', to: 'absent', errno: 'EBUSY' },
} as const satisfies Record<OperationType, Transition>;

export type TransitionVerdict =
  | { readonly kind: 'change'; readonly via: MemoryBlockState; readonly to: MemoryBlockState }
  | { readonly kind: 'already' }
  | { readonly kind: 'refused'; readonly errno: Errno };

/**
 * Whether `operation` may start on a block in `state`: it changes the block, finds nothing left to do, or is refused.
 * A device that is not there answers `ENODEV` to online and offline.
 */
export function beginTransition(operation: OperationType, state: MemoryBlockState): TransitionVerdict {
  const transition: Transition = TRANSITIONS[operation];
  if (state === transition.from) return { kind: 'change', via: transition.via, to: transition.to };
  if (state === transition.to) return { kind: 'already' };
  const noDevice = state === 'absent' && operation !== 'add';
  return { kind: 'refused', errno: noDevice ? 'ENODEV' : transition.errno };
}
