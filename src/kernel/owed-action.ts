/** What the notifier chain is still owed after an operation died between MEM_GOING_* and what follows it. */
import type { MemoryAction } from './memory-action.ts';
import type { MemoryBlockState, OperationType } from './memory-block.ts';

/**
 * The action that completes what a dead operation told, from the state that the block was left in once the node has
 * settled. An add asks notifiers only where its node brings new blocks online by itself; a remove asks nobody.
 */
export function owedAction(
  dead: OperationType,
  left: MemoryBlockState,
  isAutoOnline: boolean,
): MemoryAction | undefined {
  switch (dead) {
    case 'online':
      return left === 'online' ? 'MEM_ONLINE' : 'MEM_CANCEL_ONLINE';
    case 'offline':
      return left === 'online' || left === 'going-offline' ? 'MEM_CANCEL_OFFLINE' : 'MEM_OFFLINE';
    case 'add':
      if (!isAutoOnline) return undefined;
      return left === 'online' ? 'MEM_ONLINE' : 'MEM_CANCEL_ONLINE';
    case 'remove':
      return undefined;
  }
}
