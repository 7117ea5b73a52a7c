/** Walks the notifier chain with one action: `memory_notify()`. Each plugin is asked by an activity of its own. */
import { proxyActivities } from '@temporalio/workflow';
import { ActivityFailure } from '@temporalio/common';
import type { OperationActivities } from '../src/contract/activities.ts';
import {
  NOTIFIER_API_VERSION,
  type MemoryNotify,
  type NotifierReply,
  type RegisteredNotifier,
} from '../src/contract/notifier.ts';
import { formatAddress } from '../src/contract/quantity.ts';
import type { MemoryAction } from '../src/kernel/memory-action.ts';
import type { OnlineType } from '../src/kernel/memory-block.ts';
import {
  answerChain,
  beginChain,
  chainVerdict,
  nextNotifier,
  type ChainVerdict,
  type ChainWalk,
} from '../src/kernel/notifier-chain.ts';
import type { Operation } from './operation.ts';

const PAGE_SIZE = 4096;
/** On top of a plugin's own timeout, for the way there and back. */
const GRACE_MS = 5_000;
/** The operator heartbeats every second while it asks. */
const SILENCE_MS = 3_000;

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
  operation.notifiers = [...operation.notifiers, ...walk.calls];
  return chainVerdict(walk);
}

/** As `notify`, but the answers are not those of the operation itself. */
export async function walkChain(operation: Operation, action: MemoryAction, block: NotifiedBlock): Promise<ChainWalk> {
  operation.enter('Notifying', action);
  const deadlineMs = Date.now() + operation.timings.chainMs;
  let walk = beginChain(action, operation.seen?.notifiers ?? []);
  for (let next = nextNotifier(walk); next; next = nextNotifier(walk)) {
    const reply = await call(operation, next, action, block, deadlineMs);
    walk = answerChain(walk, reply);
    const answered = walk.calls.at(-1);
    operation.tell(
      `${action} → ${next.name}: ${answered?.result ?? ''}${answered?.reason ? ` (${answered.reason})` : ''}`,
    );
  }
  return walk;
}

async function call(
  operation: Operation,
  notifier: RegisteredNotifier,
  action: MemoryAction,
  block: NotifiedBlock,
  deadlineMs: number,
): Promise<NotifierReply> {
  const leftMs = Math.min(notifier.timeoutMs, deadlineMs - Date.now());
  if (leftMs <= 0)
    return { kind: 'error', timedOut: true, message: 'not asked: the deadline of the whole chain has passed' };
  const { callNotifier } = proxyActivities<OperationActivities>({
    startToCloseTimeout: leftMs + GRACE_MS,
    // An operator that dies while it asks is noticed by its silence, and another asks again: at least once.
    heartbeatTimeout: SILENCE_MS,
    scheduleToCloseTimeout: leftMs + 4 * GRACE_MS,
    retry: { initialInterval: '100 milliseconds', maximumAttempts: 3 },
  });
  const event = eventOf(operation, action, block, Date.now() + leftMs);
  try {
    return await callNotifier.executeWithOptions({ summary: `${action} → ${notifier.name}` }, [{ notifier, event }]);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return { kind: 'error', message: error.cause?.message ?? error.message };
  }
}

function eventOf(operation: Operation, action: MemoryAction, block: NotifiedBlock, deadlineMs: number): MemoryNotify {
  const sizeBytes = operation.seen?.blockSizeBytes ?? 0;
  const address = block.blockId * sizeBytes;
  const numaNode = operation.seen?.blocks.find((seen) => seen.blockId === block.blockId)?.numaNode;
  return {
    apiVersion: NOTIFIER_API_VERSION,
    action,
    node: operation.input.node,
    blockId: block.blockId,
    startPfn: address / PAGE_SIZE,
    nrPages: sizeBytes / PAGE_SIZE,
    physicalAddress: formatAddress(address),
    sizeBytes,
    ...operation.owner,
    tokens: operation.locks.tokens,
    deadline: new Date(deadlineMs).toISOString(),
    dryRun: false,
    ...(block.onlineType ? { onlineType: block.onlineType } : {}),
    ...(numaNode === undefined ? {} : { numaNode }),
  };
}
