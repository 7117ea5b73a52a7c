/** Walks the notifier chain with one action: `memory_notify()`. */
import { log, proxySinks } from '@temporalio/workflow';
import type { NotifierCall, NotifierCallSinks } from '../src/contract/notifier-calls.ts';
import { NOTIFIER_CALLS_MAX } from '../src/contract/operations.ts';
import type { RegisteredNotifier, WalkNotify } from '../src/contract/notifier.ts';
import { walkNotify } from '../src/contract/walk-notify.ts';
import type { MemoryAction } from '../src/kernel/memory-action.ts';
import type { OnlineType } from '../src/kernel/memory-block.ts';
import {
  answerChain,
  beginChain,
  chainVerdict,
  type ChainVerdict,
  type ChainWalk,
} from '../src/kernel/notifier-chain.ts';
import { askedTogether, askNotifiers } from './ask-notifiers.ts';
import type { Operation } from './operation.ts';

const { notifierCalls } = proxySinks<NotifierCallSinks>();

export interface NotifiedBlock {
  readonly blockId: number;
  readonly onlineType?: OnlineType;
}

/**
 * Asks every plugin that registered for `action`, in chain order, until one sets the stop bit. The chain runs under D, L
 * and M:w, so all its calls together have one deadline; a plugin whose turn comes too late counts as timed out.
 */
export async function notify(operation: Operation, action: MemoryAction, block: NotifiedBlock): Promise<ChainVerdict> {
  const walk = await walkChain(operation, action, block);
  operation.notifiers = [...operation.notifiers, ...walk.calls].slice(0, NOTIFIER_CALLS_MAX);
  return chainVerdict(walk);
}

/**
 * As `notify`, but the answers are not those of the operation itself. `runId`: of the operation that died, for which the
 * chain is told how it came out; plugins know what they did for it by that.
 */
export async function walkChain(
  operation: Operation,
  action: MemoryAction,
  block: NotifiedBlock,
  runId = operation.owner.runId,
): Promise<ChainWalk> {
  operation.enter('Notifying', action);
  const told = { ...eventOf(operation, action, block), runId };
  const endMs = Date.now() + operation.timings.chainMs;
  let walk: ChainWalk<RegisteredNotifier> = beginChain(action, operation.seen?.notifiers ?? []);
  while (walk.remaining.length > 0) {
    for (const { reply, durationMs } of await askNotifiers(askedTogether(walk.remaining), told, endMs)) {
      walk = answerChain(walk, reply);
      const call = walk.calls.at(-1);
      if (call) tellCall(operation, { ...call, node: told.node, blockId: told.blockId, durationMs });
    }
  }
  return walk;
}

function tellCall(operation: Operation, call: NotifierCall): void {
  const { name, action, result, errno, reason } = call;
  operation.tell(`${action} → ${name}: ${result}${errno ? ` ${errno}` : ''}${reason ? ` (${reason})` : ''}`);
  notifierCalls.called(call);
  const fields = { notifier: name, action, result, ...(errno ? { errno } : {}), ...(reason ? { detail: reason } : {}) };
  if (result === 'Error') log.warn('a notifier gave no answer', { ...fields, durationMs: call.durationMs });
  else log.info('notifier', { ...fields, durationMs: call.durationMs });
}

function eventOf(operation: Operation, action: MemoryAction, { blockId, onlineType }: NotifiedBlock): WalkNotify {
  const { seen, owner, locks, input } = operation;
  return walkNotify({
    action,
    cluster: input.cluster,
    node: input.node,
    blockId,
    sizeBytes: seen?.blockSizeBytes ?? 0,
    onlineType,
    numaNode: seen?.blocks.find((block) => block.blockId === blockId)?.numaNode,
    ...owner,
    tokens: locks.tokens,
    dryRun: false,
  });
}
