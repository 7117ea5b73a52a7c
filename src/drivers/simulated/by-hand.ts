/** Someone writes a block's state behind the operator's back: no locks of ours, no notifiers. */
import type { Errno } from '../../kernel/errno.ts';
import { beginTransition, isOnlineType } from '../../kernel/memory-block.ts';
import { refuseOffline } from './offline.ts';
import { chooseZone } from './online.ts';
import {
  failed,
  withBlock,
  type Effect,
  type SimulatedState,
  type StepChange,
  type StepSurroundings,
} from './state.ts';
import { withEffects } from './step.ts';

/**
 * What `echo WORD > memoryN/state` does on the node, with the kernel's errnos: an unknown word and a state that the
 * block already has are EINVAL. A block in the middle of an operation is EBUSY (the kernel would wait for device_lock).
 */
export function writeState(state: SimulatedState, blockId: number, word: string, around: StepSurroundings): StepChange {
  const block = state.blocks[blockId];
  const refuse = (errno: Errno, why: string): StepChange => failed(state, errno, `memory${String(blockId)} ${why}`);
  if (!block) return refuse('ENODEV', 'does not exist');
  if (block.transition) return refuse('EBUSY', 'is in an operation');
  if (word === 'offline') {
    const refusal = refuseOffline(block, blockId, around.behaviour);
    if (refusal) return refuse(refusal.errno, refusal.reason);
    if (around.behaviour.pinned.has(blockId)) return refuse('EBUSY', 'has a page that cannot be migrated');
    const next = withBlock(state, blockId, { state: 'offline', numaNode: block.numaNode });
    return byHand(next, around, { operation: 'offline', change: 'pages-offline', blockId });
  }
  if (!isOnlineType(word)) return refuse('EINVAL', `does not take the word "${word}"`);
  if (beginTransition('online', block.state).kind !== 'change') return refuse('EINVAL', `is ${block.state}`);
  if (around.behaviour.poisoned.has(blockId)) return refuse('EHWPOISON', 'has a poisoned page');
  const zone = chooseZone(state, blockId, block.numaNode, word, around.behaviour.movableNode);
  const next = withBlock(state, blockId, { state: 'online', zone, numaNode: block.numaNode });
  return byHand(next, around, { operation: 'online', change: 'pages-online', blockId });
}

function byHand(
  state: SimulatedState,
  around: StepSurroundings,
  effect: Pick<Effect, 'operation' | 'change' | 'blockId'>,
): StepChange {
  const audited = withEffects(state, [{ ...effect, step: 'by-hand' }], around.nowMs);
  return { state: audited, result: { ok: true }, effects: [] };
}
